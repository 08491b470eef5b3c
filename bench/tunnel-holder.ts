// Holds the tunnels of a deploy open, in a process of its own whose cost can be measured: CONFIG PORT SERVER...
// Prints the port on each server, and when its stdin ends what it has cost.
import { readFileSync } from 'node:fs'
import { openTunnel } from '../src/deploy/tunnel.ts'
import { connectSsh } from '../src/runner/ssh.ts'

const [config = '', port = '', ...servers] = process.argv.slice(2)
const connections = await Promise.all(
  servers.map(server => connectSsh({ server, host: server, keys: [], config, strict: true })),
)
const tunnels = await Promise.all(connections.map(connection => openTunnel(connection, Number(port))))
console.log(JSON.stringify(tunnels.map(tunnel => tunnel?.port)))
process.stdin.resume().on('end', async () => {
  const { userCPUTime, systemCPUTime } = process.resourceUsage()
  // Its own maxRSS begins with that of the process that has started it.
  const peak = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
  console.log(JSON.stringify({ seconds: (userCPUTime + systemCPUTime) / 1e6, megabytes: peak / 1000 }))
  await Promise.all(connections.map(connection => connection.close()))
})
