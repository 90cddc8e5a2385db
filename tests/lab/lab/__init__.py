"""A whole cluster on one machine, in network namespaces: load balancers, real servers, a client, and what runs on them."""
