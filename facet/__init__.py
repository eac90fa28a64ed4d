"""The workbench: commands, judge, measures, tables. It reaches methods and data sets only through configuration."""
