"""What the end-to-end tests stand on: a real PostgreSQL, an issuer, and the panguard binary itself.

    with Cluster.start() as cluster, Issuer() as issuer:
        database = cluster.create_database(seed=cards.SEED)
        with Gateway(folder, issuer, {"payments": cluster.upstream(database)}, policies=cards.POLICIES) as gateway:
            with gateway.connect(issuer.agent("reporter", groups=["agents"])) as session:
                print(session.execute("select pan from cards").fetchone())
"""

from .cluster import Cluster
from .gateway import Gateway
from .issuer import Issuer
from .waiting import until

__all__ = ["Cluster", "Gateway", "Issuer", "until"]
