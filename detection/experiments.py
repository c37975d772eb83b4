"""Where the challenger is live: some components, chosen by chance."""

import hashlib


def is_in_experiment(challenger: str, component: str, share: int) -> bool:
    """Whether a component is among `share` percent of them, by a hash of both names.

    Never an account by itself: what is done about one changes what the others of its component do,
    and a ring half in and half out would tell nothing. A component has the name of its first
    account; who is linked to nobody is one alone. One with another first account is drawn anew.
    """
    # asked of every account, mostly where there is no experiment
    if not share:
        return False
    digest = hashlib.blake2b(f"{challenger}\0{component}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") * 100 < share << 64
