#!/bin/sh
# A client, a load balancer (the guest itself, with Ballast's own data path) and a server whose kernel unwraps with its own devices: IPIP in
# three pairs of families, GRE and GUE. Answers come back by a route through the balancer.
set -e
inside() { name=$1; shift; nsenter --net="/run/netns/$name" "$@"; }

wire() { # NAMESPACE NUMBER: the balancer is 10.NUMBER.0.1 and fd0NUMBER::1, the other end 2
  ip netns add "$1"
  ip link add "$1" type veth peer name eth0 netns "$1"
  ip link set "$1" up
  ip -n "$1" link set lo up
  ip -n "$1" link set eth0 up
  ip addr add "10.$2.0.1/24" dev "$1"
  ip addr add "fd0$2::1/64" dev "$1" nodad
  ip -n "$1" addr add "10.$2.0.2/24" dev eth0
  ip -n "$1" addr add "fd0$2::2/64" dev eth0 nodad
  ip -n "$1" route add default via "10.$2.0.1"
  ip -n "$1" -6 route add default via "fd0$2::1"
  # A veth end takes what XDP sends only where its own packets are polled for: GRO does that.
  inside "$1" ethtool -K eth0 tx off rx off tso off gso off gro on >/dev/null
  ethtool -K "$1" tx off rx off tso off gso off gro off >/dev/null
}

mount -t bpf bpf /sys/fs/bpf 2>/dev/null || true
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
wire client 1
wire server 2
# The answers come from addresses that are the balancer's own.
echo 1 >/proc/sys/net/ipv4/conf/server/accept_local

ip -n server link set tunl0 up
ip -n server link set sit0 up
ip -n server link add six type ip6tnl mode any local fd02::2 remote fd02::1
ip -n server link set six up
ip -n server link add gre1 type gre local 10.2.0.2 remote 10.2.0.1
ip -n server link set gre1 up
ip -n server fou add port 6080 gue
for setting in all default eth0 tunl0 gre1 six; do
  inside server sh -c "echo 0 >/proc/sys/net/ipv4/conf/$setting/rp_filter"
done

vips="10.9.0.1 10.9.0.2 10.9.0.3 10.9.0.4 fd09::1 fd09::2"
for vip in $vips; do
  ip addr add "$vip" dev lo
  ip -n server addr add "$vip" dev lo
done
mkdir /www
echo "the server answers" >/www/index.html
inside server httpd -p "[::]:80" -h /www

ballastd --standalone --config /tests/ballast.conf --run-dir /run/ballast --pin-dir /sys/fs/bpf/ballast >/ballast.log 2>&1 &
tries=0
until ballastctl --run-dir /run/ballast status --json 2>/dev/null | grep -q '"up"'; do
  tries=$((tries + 1))
  [ "$tries" -lt 60 ] || { cat /ballast.log; exit 1; }
  sleep 1
done

for vip in $vips; do
  case $vip in *:*) url="http://[$vip]/" ;; *) url="http://$vip/" ;; esac
  tries=0
  until inside client curl -sS --max-time 10 "$url"; do
    tries=$((tries + 1))
    [ "$tries" -lt 3 ] || { echo "no answer from $vip"; ballastctl --run-dir /run/ballast drops; cat /ballast.log; exit 1; }
  done
done
ballastctl --run-dir /run/ballast connections
