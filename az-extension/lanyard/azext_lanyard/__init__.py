"""Commands of the tutorials that the Azure CLI has only in extensions or no longer has, for use against a local tenant.

Microsoft's extensions `rdbms-connect` and `serviceconnector-passwordless` are published in the CLI's own index and on no
package registry. Where one of them is installed, it is left in charge and nothing is registered here.
"""

from azure.cli.core import AzCommandsLoader
from azure.cli.core.commands import CliCommandType
from azure.cli.core.extension import ExtensionNotInstalledException, get_extension

from azext_lanyard import _help  # noqa: F401  (registers the help texts)


_CONNECTIONS = ("webapp connection create postgres-flexible", "containerapp connection create postgres-flexible")


def _installed(name):
    try:
        get_extension(name)
        return True
    except ExtensionNotInstalledException:
        return False


class LanyardCommandsLoader(AzCommandsLoader):
    def __init__(self, cli_ctx=None):
        commands = CliCommandType(operations_tmpl="azext_lanyard.custom#{}")
        super().__init__(cli_ctx=cli_ctx, custom_command_type=commands)

    def load_command_table(self, args):
        if not _installed("rdbms-connect"):
            with self.command_group("postgres flexible-server") as group:
                group.custom_command("execute", "execute")
        if not _installed("serviceconnector-passwordless"):
            self._load_connection_create()
        if not _installed("containerapp"):
            self._load_containerapp_identity()
        return self.command_table

    def _load_containerapp_identity(self):
        from azure.cli.command_modules.containerapp._client_factory import ex_handler_factory

        commands = CliCommandType(operations_tmpl="azext_lanyard.containerapp#{}")
        with self.command_group("containerapp identity", custom_command_type=commands) as group:
            for name in ("assign", "remove"):
                group.custom_command(
                    name, f"identity_{name}", supports_no_wait=True, exception_handler=ex_handler_factory()
                )

    def _load_connection_create(self):
        from azure.cli.command_modules.serviceconnector._client_factory import cf_linker
        from azure.cli.command_modules.serviceconnector._transformers import transform_linker_properties

        for source in ("webapp", "containerapp"):
            with self.command_group(f"{source} connection create", client_factory=cf_linker) as group:
                group.custom_command(
                    "postgres-flexible",
                    "connection_create",
                    client_factory=cf_linker,
                    supports_no_wait=True,
                    transform=transform_linker_properties,
                )

    def load_arguments(self, command):
        if command in _CONNECTIONS:
            # The command is the CLI's own; only what it does to the database is done here.
            from azure.cli.command_modules.serviceconnector._params import load_arguments

            load_arguments(self, command)
        if command in ("containerapp identity assign", "containerapp identity remove"):
            from azure.cli.command_modules.containerapp._params import load_arguments

            load_arguments(self, command)
            with self.argument_context(command) as context:
                context.argument(
                    "identities",
                    nargs="+",
                    help="The command's older form: names or ids, separated by commas or spaces; [system] is the system-assigned one.",
                )
        with self.argument_context("postgres flexible-server execute") as context:
            context.argument("server_name", options_list=["--name", "-n"], help="Name of the server.")
            context.argument("administrator_login", options_list=["--admin-user", "-u"], help="Role to log in with.")
            context.argument(
                "administrator_login_password", options_list=["--admin-password", "-p"], help="Its password."
            )
            context.argument("database_name", options_list=["--database-name", "-d"], help="Default: postgres.")
            context.argument("querytext", options_list=["--querytext", "-q"], help="The statement to run.")
            context.argument("file_path", options_list=["--file-path", "-f"], help="A file of SQL to run instead.")


COMMAND_LOADER_CLS = LanyardCommandsLoader
