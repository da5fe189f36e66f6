from windtunnel.app.local import LocalRegion as LocalRegion
from windtunnel.app.local import region as region

__version__: str
