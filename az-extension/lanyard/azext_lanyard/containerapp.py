"""`az containerapp identity` with the arguments that the command had in Microsoft's tutorial of 2022.

Then no argument meant the system-assigned identity, and `--identities` named identities, separated by commas or spaces,
`[system]` among them. What is done is the CLI's own.
"""

from azure.cli.command_modules.containerapp import custom as containerapp
from azure.cli.core.azclierror import MutuallyExclusiveArgumentError

_SYSTEM = "[system]"


def _wanted(system_assigned, user_assigned, identities):
    if identities is None:
        return system_assigned or user_assigned is None, user_assigned
    if system_assigned or user_assigned:
        raise MutuallyExclusiveArgumentError(
            "--identities is the older form: use either it or --system-assigned and --user-assigned."
        )
    names = [name for each in identities for name in each.split(",") if name]
    return _SYSTEM in names, [name for name in names if name != _SYSTEM] or None


def identity_assign(
    cmd, name, resource_group_name, system_assigned=False, user_assigned=None, identities=None, no_wait=False
):
    system_assigned, user_assigned = _wanted(system_assigned, user_assigned, identities)
    return containerapp.assign_managed_identity(
        cmd, name, resource_group_name, system_assigned=system_assigned, user_assigned=user_assigned, no_wait=no_wait
    )


def identity_remove(
    cmd, name, resource_group_name, system_assigned=False, user_assigned=None, identities=None, no_wait=False
):
    system_assigned, user_assigned = _wanted(system_assigned, user_assigned, identities)
    return containerapp.remove_managed_identity(
        cmd, name, resource_group_name, system_assigned=system_assigned, user_assigned=user_assigned, no_wait=no_wait
    )
