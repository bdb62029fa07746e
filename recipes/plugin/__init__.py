"""What runs inside verl's processes; nothing here knows a command.

verl loads `register` through the entry point verl.plugins.
"""
