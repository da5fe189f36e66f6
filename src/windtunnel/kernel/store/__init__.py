"""Ordered keys of tuples, typed tables over them, and transactions that never wait."""

from windtunnel.kernel.store.engine import StoreAway as StoreAway
from windtunnel.kernel.store.engine import StoreFull as StoreFull
from windtunnel.kernel.store.keys import Key as Key
from windtunnel.kernel.store.keys import Part as Part
from windtunnel.kernel.store.overlay import Overlay as Overlay
from windtunnel.kernel.store.store import Store as Store
from windtunnel.kernel.store.table import Scope as Scope
from windtunnel.kernel.store.table import Table as Table
from windtunnel.kernel.store.transaction import Transaction as Transaction
