"""The kinds of resources that CloudFormation itself has: nested stacks, custom resources, wait conditions, macros."""
