"""What the kernel of a node has, as `ip -j` tells it, in a form that two nodes can be compared by."""

import json

from .shell import run

OURS = 177  # the protocol number of Ballast's routes and rules
KEEPALIVEDS = "keepalived"
VOLATILE = {"ifindex", "link_index", "link_netnsid", "cacheinfo", "dynamic", "uptime"}


def ip_json(node, *words):
    return json.loads(run("ip", "-n", node.namespace, "-j", "-d", *words).stdout or "[]")


def links(node):
    return {link["ifname"]: link for link in ip_json(node, "link")}


def addresses(node, device):
    """By address: its fields, without those that change by themselves."""
    for link in ip_json(node, "address"):
        if link.get("ifname") == device:
            return {each["local"]: {key: value for key, value in each.items() if key not in VOLATILE | {"protocol"}}
                    for each in link["addr_info"]}
    return {}


def routes(node):
    """Of all tables and both families, those of Ballast or of keepalived; the mark left out."""
    found = []
    for family in ("-4", "-6"):
        for route in ip_json(node, family, "route", "show", "table", "all"):
            if str(route.get("protocol")) in (str(OURS), KEEPALIVEDS):
                found.append({key: value for key, value in route.items() if key not in ("protocol", "flags")})
    return sorted(found, key=json.dumps)


def rules(node):
    """But for the kernel's own, the mark left out."""
    found = []
    for family in ("-4", "-6"):
        for rule in ip_json(node, family, "rule"):
            if str(rule.get("protocol")) in (str(OURS), KEEPALIVEDS):
                found.append({key: value for key, value in rule.items() if key != "protocol"} | {"family": family})
    return sorted(found, key=json.dumps)


def destinations(node):
    return {route["dst"] for route in routes(node)}


def ruleset(node):
    return node.run("nft", "list", "ruleset").stdout


def sysctl(node, name):
    return node.run("cat", f"/proc/sys/{name.replace('.', '/').replace('%', '.')}").stdout.strip()
