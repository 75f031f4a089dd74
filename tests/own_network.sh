#!/bin/sh
# Runs a command in a network of its own, where loopback is all there is and 127.0.0.1 is the DNS server.
#
#   sh tests/own_network.sh COMMAND...
#
# /etc/resolv.conf is fixed in the C library, so the command sees other files of /etc, too. It takes Linux's namespaces:
# root may make them, and mostly everybody in a namespace of users. Where that is forbidden it fails before the command
# runs.
set -eu
here=$(CDPATH='' cd -- "$(dirname "$0")" && pwd)

if [ "${1:-}" != --inside ]; then
  as=''
  [ "$(id -u)" = 0 ] || as=--map-root-user
  exec unshare $as --net --mount sh "$0" --inside "$@"
fi
shift

files=$(mktemp -d)
echo 'nameserver 127.0.0.1' > "$files/resolv.conf"
# Not even localhost: a bucket of that name may have a ResponseURL without TLS.
: > "$files/hosts"
# glibc's: no other service of the machine is asked.
echo 'hosts: files dns' > "$files/nsswitch.conf"
for name in resolv.conf hosts nsswitch.conf; do
  [ ! -e "/etc/$name" ] || mount --bind "$files/$name" "/etc/$name"
done
# What is mounted stays.
rm -r "$files"
# SIOCSIFFLAGS with IFF_UP. `ip link set lo up` would need another package.
"$(sh "$here/../local/machine.sh" python)" -c 'import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh22x", b"lo", 1))'
exec "$@"
