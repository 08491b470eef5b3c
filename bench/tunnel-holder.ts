// Holds the tunnels of a deploy open, in a process of its own whose cost can be measured: CONFIG PORT SERVER...
// Prints the port on each server, and when its stdin ends what it has cost since.
import { readFileSync } from 'node:fs'
import { openTunnel } from '../src/deploy/tunnel.ts'
import { connectSsh } from '../src/runner/ssh.ts'

const [config = '', port = '', ...servers] = process.argv.slice(2)
const connections = await Promise.all(
  servers.map(server => connectSsh({ server, host: server, keys: [], config, strict: true })),
)
const tunnels = await Promise.all(connections.map(connection => openTunnel(connection, Number(port))))
const before = cpuSeconds() // to start, and to compile these sources, costs more than a layer
console.log(JSON.stringify(tunnels.map(({ tunnel }) => tunnel?.port)))
process.stdin.resume().on('end', async () => {
  // Its own maxRSS begins with that of the process that has started it.
  const peak = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
  console.log(JSON.stringify({ seconds: cpuSeconds() - before, megabytes: peak / 1000 }))
  await Promise.all(connections.map(connection => connection.close()))
})

function cpuSeconds(): number {
  const { userCPUTime, systemCPUTime } = process.resourceUsage()
  return (userCPUTime + systemCPUTime) / 1e6
}
