"""The local skeleton search of RCD (Ikram et al., NeurIPS 2022, the localized form of their algorithm).

RCD, and TORAI that orders within a cluster by it, call a function that upstream causal-learn does not have: RCD's
authors patched it in, and the patched library is in no registry. This is that search written anew: which variables stay
adjacent to one node, given all subsets of those that are adjacent to both. Everything else of the library is absent.
"""

from itertools import combinations

import networkx as nx
import numpy as np


class LocalGraph:
    """An undirected graph, complete at first, of which only the edges of one node are ever removed."""

    def __init__(self, data, labels):
        variables = data.shape[1]
        self.data = np.stack([np.unique(column, return_inverse=True)[1].ravel() for column in data.T], axis=1)
        self.labels = labels
        self.is_edge = ~np.eye(variables, dtype=bool)
        self.p_values = np.empty((variables, variables), dtype=object)
        self.mi = np.empty(variables, dtype=object)
        self.no_ci_tests = 0
        self.nx_graph = nx.DiGraph()
        self._independent = 0
        self._known = {}

    def neighbours(self, node):
        return np.flatnonzero(self.is_edge[node])

    def remove(self, one, other):
        self.is_edge[one, other] = self.is_edge[other, one] = False

    def is_independent_of_all(self, node):
        self.mi[self._independent] = node
        self._independent += 1

    def p(self, test, x, y, given):
        self.no_ci_tests += 1
        key = (min(x, y), max(x, y), frozenset(given))
        if key not in self._known:
            self._known[key] = test(self.data, key[0], key[1], given)
        return self._known[key]

    def to_nx_graph(self):
        """An undirected edge is one either way."""
        self.nx_graph.add_nodes_from(self.labels.values())
        for one, other in np.argwhere(self.is_edge):
            self.nx_graph.add_edge(self.labels[one], self.labels[other])


def local_skeleton_discovery(data, local_node, alpha, indep_test, mi=(), labels=None, verbose=False):
    """The graph whose edges at `local_node` no conditioning set explains away at level `alpha`."""
    graph = LocalGraph(data, labels)
    for node in mi:
        graph.remove(local_node, node)
    depth = -1
    while graph.is_edge.sum(axis=1).max() - 1 > depth:
        depth += 1
        for node in np.random.permutation(graph.neighbours(local_node)):
            shared = [other for other in graph.neighbours(node) if graph.is_edge[local_node, other]]
            for given in combinations(shared if depth > 0 else [], depth):
                p = graph.p(indep_test, local_node, node, given)
                if p > alpha:
                    graph.remove(local_node, node)
                    if depth == 0:
                        graph.is_independent_of_all(node)
                    break
                if graph.p_values[local_node, node] is None:
                    graph.p_values[local_node, node] = []
                graph.p_values[local_node, node].append(p)
    return graph


def skeleton_discovery(*_arguments, **_named):
    """The whole skeleton is not searched by the methods compared with."""
    raise NotImplementedError("only the local search stands in here")
