"""The workbench: commands, judge, measures, tables. Methods and data sets are reached by configuration only."""
