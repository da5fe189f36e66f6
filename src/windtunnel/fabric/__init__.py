"""What all services stand on: the one door, transactions, calls, deliveries and timers.

A service imports its vocabulary from here.
"""

from windtunnel.aws.errors import Fault as Fault
from windtunnel.fabric.call import Call as Call
from windtunnel.fabric.deliver import Event as Event
from windtunnel.fabric.deliver import Retry as Retry
from windtunnel.fabric.resource import At as At
from windtunnel.fabric.resource import Deploy as Deploy
from windtunnel.fabric.resource import Properties as Properties
from windtunnel.fabric.resource import Resource as Resource
from windtunnel.fabric.scope import Principal as Principal
from windtunnel.fabric.scope import Scope as Scope
from windtunnel.fabric.service import Service as Service
from windtunnel.fabric.tx import Tx as Tx
from windtunnel.fabric.visits import Answer as Answer
from windtunnel.fabric.visits import Visit as Visit
from windtunnel.kernel.store import Table as Table
