"""The workbench: commands, judge, measures, tables, figures. Methods and data sets are reached by configuration only."""
