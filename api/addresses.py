"""Where a page that listens is found."""

import ipaddress


def page_address(host: str, port: int) -> str:
    """Where a browser on this machine finds what listens on `host`.

    >>> page_address("0.0.0.0", 8000)
    'http://127.0.0.1:8000'
    >>> page_address("::", 8000)
    'http://[::1]:8000'
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"http://{host}:{port}"
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    named = f"[{address}]" if address.version == 6 else str(address)
    return f"http://{named}:{port}"
