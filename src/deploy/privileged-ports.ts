/** What to do where ports are root's: open them to everybody, or take others. */
export function openPorts(first: number, keys: string): string {
  return `sudo sysctl net.ipv4.ip_unprivileged_port_start=${first}, and the same in /etc/sysctl.d; or ${keys} name others`
}
