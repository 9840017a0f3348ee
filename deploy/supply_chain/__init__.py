"""What Avain is made of, and whether it may be trusted: the lock, known vulnerabilities, dangerous calls, the bill of materials.

Tools of whoever builds Avain; nothing of the running application imports them (docs/review/supply-chain.md).
"""
