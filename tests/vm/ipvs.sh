#!/bin/sh
# A client, a load balancer (the guest itself) and a server, each with one wire to the balancer. IPVS sends the client's requests for
# two addresses to the server: by NAT, and through an IPIP tunnel, whose answer comes back by a route through the balancer.
set -e
inside() { name=$1; shift; nsenter --net="/run/netns/$name" "$@"; }

wire() { # NAMESPACE NETWORK: the balancer is NETWORK.1, the other end NETWORK.2
  ip netns add "$1"
  ip link add "$1" type veth peer name eth0 netns "$1"
  ip addr add "$2.1/24" dev "$1"
  ip link set "$1" up
  inside "$1" ip link set lo up
  inside "$1" ip addr add "$2.2/24" dev eth0
  inside "$1" ip link set eth0 up
  inside "$1" ip route add default via "$2.1"
}

echo 1 >/proc/sys/net/ipv4/ip_forward
wire client 10.1.0
wire server 10.2.0
ip addr add 10.9.0.1/32 dev lo
ip addr add 10.9.0.2/32 dev lo
ipvsadm -A -t 10.9.0.1:80 -s rr
ipvsadm -a -t 10.9.0.1:80 -r 10.2.0.2:80 -m
ipvsadm -A -t 10.9.0.2:80 -s rr
ipvsadm -a -t 10.9.0.2:80 -r 10.2.0.2:80 -i

# The tunnel's answers come from an address that is the balancer's own.
echo 1 >/proc/sys/net/ipv4/conf/server/accept_local
inside server ip link set tunl0 up
inside server ip addr add 10.9.0.2/32 dev tunl0
mkdir /www
echo "the server answers" >/www/index.html
inside server httpd -p 80 -h /www

for address in 10.9.0.1 10.9.0.2; do
  inside client curl -sS --max-time 20 "http://$address/" || { echo "no answer from $address"; ipvsadm -ln; exit 1; }
done
ipvsadm -ln
