"""The deployer's side of a passwordless connection to PostgreSQL, all of it on the rights of whoever is signed in.

The app's identity on, Entra sign-in on, oneself as Entra administrator, a role for the identity, grants. Source:
https://learn.microsoft.com/azure/postgresql/flexible-server/how-to-manage-azure-ad-users
"""

import base64
import json
import time

from azure.cli.core._profile import Profile
from azure.cli.core.azclierror import AzureConnectionError, AzureResponseError
from azure.cli.core.util import send_raw_request
from knack.log import get_logger

from azext_lanyard.postgres import Connection, PostgresError, identifier, literal

logger = get_logger(__name__)

_POSTGRES = "api-version=2024-08-01"
_WEB = "api-version=2024-04-01"
_TOKEN_AUDIENCE = "https://ossrdbms-aad.database.windows.net"


def prepare_database(cmd, source_id, target_id, auth_info, client_type, connection_name, *_):
    """Called by the CLI's `connection create` before it writes the connection. Returns how the app will sign in."""
    del auth_info, client_type
    arm = _Arm(cmd.cli_ctx)
    server_id, _, database = target_id.rpartition("/databases/")
    login, kind, object_id = _signed_in(cmd.cli_ctx)
    principal_id = _enable_identity(arm, source_id)
    _enable_entra(arm, server_id)
    _become_administrator(arm, server_id, login, kind, object_id)
    role = f"aad_{connection_name}"
    host = server_id.rsplit("/", 1)[1] + cmd.cli_ctx.cloud.suffixes.postgresql_server_endpoint
    try:
        _create_role(cmd.cli_ctx, host, login, database, role, principal_id)
    except (PostgresError, OSError) as error:
        raise AzureConnectionError(f"{host} as {login}: {error}") from error
    return {"auth_type": "systemAssignedIdentity", "username": role}


class _Arm:
    def __init__(self, cli_ctx):
        self._cli_ctx = cli_ctx

    def send(self, method, path, body=None):
        """One request to its end; long operations are waited for."""
        payload = None if body is None else json.dumps(body)
        answer = send_raw_request(self._cli_ctx, method, path, body=payload)
        status = answer.headers.get("Azure-AsyncOperation")
        while status is not None and method != "GET":
            polled = send_raw_request(self._cli_ctx, "GET", status)
            state = polled.json().get("status", "Succeeded")
            if state == "Succeeded":
                break
            if state in ("Failed", "Canceled"):
                raise AzureResponseError(f"{method} {path}: {json.dumps(polled.json().get('error'))}")
            time.sleep(float(polled.headers.get("Retry-After", "1")))
        return answer.json() if answer.text else None


def _signed_in(cli_ctx):
    """Login name, kind and object id of whoever is signed in; the token says the last without asking anybody."""
    profile = Profile(cli_ctx=cli_ctx)
    user = profile.get_subscription()["user"]
    kind = "ServicePrincipal" if user["type"] == "servicePrincipal" else "User"
    (_, token, _), _, _ = profile.get_raw_token(resource=cli_ctx.cloud.endpoints.active_directory_resource_id)
    claims = token.split(".")[1]
    return user["name"], kind, json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["oid"]


def _enable_identity(arm, source_id):
    site = arm.send("GET", f"{source_id}?{_WEB}")
    identity = site.get("identity") or {}
    if "SystemAssigned" not in identity.get("type", ""):
        logger.warning("Enabling the app's system-assigned identity...")
        kind = "SystemAssigned, UserAssigned" if identity.get("userAssignedIdentities") else "SystemAssigned"
        arm.send("PATCH", f"{source_id}?{_WEB}", {"identity": {"type": kind}})
        identity = arm.send("GET", f"{source_id}?{_WEB}")["identity"]
    return identity["principalId"]


def _enable_entra(arm, server_id):
    auth = arm.send("GET", f"{server_id}?{_POSTGRES}")["properties"].get("authConfig") or {}
    if auth.get("activeDirectoryAuth") == "Enabled":
        return
    logger.warning("Enabling Microsoft Entra authentication on the server...")
    wanted = {"activeDirectoryAuth": "Enabled", "passwordAuth": auth.get("passwordAuth", "Enabled")}
    arm.send("PATCH", f"{server_id}?{_POSTGRES}", {"properties": {"authConfig": wanted}})


def _become_administrator(arm, server_id, login, kind, object_id):
    known = arm.send("GET", f"{server_id}/administrators?{_POSTGRES}")["value"]
    if any(each["properties"].get("objectId", each["name"]) == object_id for each in known):
        return
    logger.warning("Setting %s as Microsoft Entra administrator of the server...", login)
    tenant_id = arm.send("GET", "/tenants?api-version=2022-12-01")["value"][0]["tenantId"]
    properties = {"principalName": login, "principalType": kind, "tenantId": tenant_id}
    arm.send("PUT", f"{server_id}/administrators/{object_id}?{_POSTGRES}", {"properties": properties})


def _create_role(cli_ctx, host, login, database, role, principal_id):
    (_, token, _), _, _ = Profile(cli_ctx=cli_ctx).get_raw_token(resource=_TOKEN_AUDIENCE)
    logger.warning("Creating the role %s...", role)
    # The pgaadauth functions stand in the database `postgres` only.
    with Connection(host, login, token, "postgres") as connection:
        if not connection.query(f"select 1 from pg_roles where rolname = {literal(role)}").rows:
            connection.query(
                "select * from pgaadauth_create_principal_with_oid("
                f"{literal(role)}, {literal(principal_id)}, 'service', false, false)"
            )
        connection.query(f"grant all privileges on database {identifier(database)} to {identifier(role)}")
    # Since PostgreSQL 15 only a database's owner may create in "public" unasked; the app's migrations do.
    with Connection(host, login, token, database) as connection:
        connection.query(f"grant usage, create on schema public to {identifier(role)}")
        # A grant by somebody who may not give it is only a warning to PostgreSQL.
        if not connection.query(f"select has_schema_privilege({literal(role)}, 'public', 'CREATE') as may").rows[0]["may"]:
            raise PostgresError(f"{login} could not let {role} create in schema public of {database}")
