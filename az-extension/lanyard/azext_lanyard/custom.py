import functools
import inspect

from azure.cli.command_modules.serviceconnector import custom as serviceconnector
from azure.cli.core.azclierror import AzureConnectionError, MutuallyExclusiveArgumentError, RequiredArgumentMissingError
from knack.log import get_logger

from azext_lanyard.passwordless import prepare_database
from azext_lanyard.postgres import Connection, PostgresError

logger = get_logger(__name__)


def execute(
    cmd,
    server_name,
    administrator_login,
    administrator_login_password,
    database_name="postgres",
    querytext=None,
    file_path=None,
):
    """Runs SQL and returns the rows of its last result, or nothing when it has none."""
    if querytext is None and file_path is None:
        raise RequiredArgumentMissingError("Give a statement (--querytext) or a file (--file-path).")
    if querytext is not None and file_path is not None:
        raise MutuallyExclusiveArgumentError("--querytext and --file-path exclude each other.")
    if file_path is not None:
        with open(file_path, encoding="utf-8") as file:
            querytext = file.read()
    host = server_name + cmd.cli_ctx.cloud.suffixes.postgresql_server_endpoint
    try:
        with Connection(host, administrator_login, administrator_login_password, database_name) as connection:
            logger.warning("Successfully connected to %s.", server_name)
            result = connection.query(querytext)
    except (PostgresError, OSError) as error:
        raise AzureConnectionError(f"{host}: {error}") from error
    logger.warning("Ran: %s", ", ".join(result.tags))
    return result.rows


def _connection_create(cmd, client, **arguments):
    """`webapp` and `containerapp connection create postgres-flexible`: the CLI's own command, with the database's side done here."""
    if not arguments.get("system_identity_auth_info"):
        return serviceconnector.connection_create(cmd, client, **arguments)
    accepted = inspect.signature(serviceconnector.connection_create_func).parameters
    return serviceconnector.connection_create_func(
        cmd,
        client,
        **{name: value for name, value in arguments.items() if name in accepted},
        enable_mi_for_db_linker=prepare_database,
    )


# The arguments of the command are read from the signature of its function.
connection_create = functools.wraps(serviceconnector.connection_create)(_connection_create)
