# For tests that use a clean root: sourced, inside a mount namespace of their own.

# Unpacks the archive, with a /proc and a /dev that has what a container gets: unpack_root ARCHIVE ROOT
unpack_root() {
  local device name major minor
  mkdir "$2"
  tar -C "$2" --exclude='./dev/*' -xf "$1"
  mount -t proc proc "$2/proc"
  mount -t tmpfs -o mode=755 none "$2/dev"
  for device in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0 fuse:10:229; do
    IFS=: read -r name major minor <<<"$device"
    mknod -m 666 "$2/dev/$name" c "$major" "$minor"
  done
}
