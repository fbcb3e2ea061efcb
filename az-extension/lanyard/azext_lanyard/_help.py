from knack.help_files import helps

helps["postgres flexible-server execute"] = """
type: command
short-summary: Connect to a flexible server and run a statement.
long-summary: Lanyard's stand-in for the extension rdbms-connect. Prints the rows of the answer, if it has any.
examples:
  - name: Create a database
    text: >
      az postgres flexible-server execute -n server -u admin -p PASSWORD -d postgres -q "create database restaurant;"
"""
