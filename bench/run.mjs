// What `npm run bench` measures: how long jiji takes to start and to say what runs, what a deploy and a login cost on servers of a rig, with
// how many it goes, and how fast images go through a tunnel. It prints tables and leaves nothing running. Figures of a shared or busy machine are worth little: look at the ratios.

import { register } from 'node:module'
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { must, say } from '../test/machine/command.mjs'
import { ensureDependencies } from '../test/machine/dependencies.mjs'
import { measureStartUp } from './start-up.mjs'

const [processor] = cpus()
const root = fileURLToPath(new URL('..', import.meta.url))

try {
  await ensureDependencies(root)
  await must(process.execPath, ['build.mjs'], { cwd: root })
  console.log(`Node ${process.versions.node}, ${cpus().length} × ${processor?.model}, load ${loadavg()[0]?.toFixed(1)}`)
  await measureStartUp(root)
  register('./typescript.mjs', import.meta.url)
  const { measureStatus } = await import('./status.ts')
  await measureStatus()
  const { measureDeploys } = await import('./deploys.ts')
  await measureDeploys()
  const { measureManyDeploys } = await import('./many.ts')
  await measureManyDeploys()
  const { measureLogins } = await import('./logins.ts')
  await measureLogins()
  const { measureTunnel } = await import('./tunnel.ts')
  await measureTunnel()
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error))
  process.exitCode = 1
}
