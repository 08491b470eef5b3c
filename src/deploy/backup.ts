import { Readable } from 'node:stream'
import type { Server } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import { engineFailure, lastLine } from '../runner/engine-failure.ts'
import type { Runner } from '../runner/runner.ts'
import { packBackup, unpackBackup } from '../shell/backup.ts'
import { exits } from '../shell/engine.ts'
import { createProxy } from '../shell/proxy.ts'
import { limits } from './limits.ts'
import type { Observation } from './observe.ts'
import { runTending, type Tending } from './tending.ts'

/** @throws JijiError nothing.running where the project was never deployed */
export async function readBackup(
  runner: Runner,
  { engine }: Server,
  scope: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const { server } = runner
  const chunks: Buffer[] = []
  let stderr = ''
  const onChunk = async (chunk: Buffer, stream: 'stdout' | 'stderr') => {
    if (stream === 'stdout') chunks.push(chunk)
    else stderr += chunk.toString()
  }
  const output = await runner.run(packBackup(engine, scope), { signal, timeout: limits.pull, onChunk })
  if (output.code === 0) return Buffer.concat(chunks)
  if (output.code === exits.nothingThere)
    throw new JijiError('nothing.running', `${server}: ${scope} was never deployed there`, { server })
  throw (
    engineFailure(runner, engine, { ...output, stderr }) ??
    new JijiError('failed', `${server}: the backup failed: ${lastLine(stderr)}`, { server })
  )
}

/** @throws JijiError name.taken where the server has something of the project already */
export function refuseWhatIsThere({ server, releases, containers }: Observation, scope: string): void {
  if (releases.length === 0 && !containers.some(({ project }) => project === scope)) return
  throw new JijiError('name.taken', `${server} has ${scope} already, with ${releases.length} releases on record`, {
    server,
    hint: '--force puts the records, the audit and the files of the backup in the place of those',
  })
}

/** Puts a backup in its place, with a proxy to have the certificates. @returns how many releases, and the current one */
export async function writeBackup(
  tending: Tending,
  { name, engine }: Server,
  backup: Buffer,
): Promise<{ count: number; current: string }> {
  const { config } = tending
  const deed = { action: 'server restore' as const }
  const place = { server: name, engine }
  await runTending(tending, place, {
    deed,
    leavesNoTrace: true,
    script: createProxy(engine, config.proxy),
    timeout: limits.proxy,
    explain: ({ stderr }) =>
      new JijiError('engine.failed', `${name}: the proxy could not be started: ${lastLine(stderr)}`, {
        server: name,
        hint: 'nothing was restored',
      }),
  })
  const said = await runTending(tending, place, {
    deed,
    script: unpackBackup(engine, config.scope),
    input: Readable.from([backup]),
    timeout: limits.pull,
    explain: ({ code, stdout }) => {
      if (code === exits.notWhole)
        return new JijiError('failed', `${name}: this is no backup, or not all of one`, { server: name })
      if (code !== exits.notOurs) return undefined
      const whose = /^project (.*)$/m.exec(stdout)?.[1] ?? 'something else'
      return new JijiError('failed', `${name}: this is a backup of ${whose}, and not of ${config.scope}`, {
        server: name,
      })
    },
  })
  const [, count, current = ''] = /^restored (\d+) (.*)$/m.exec(said) ?? []
  return { count: Number(count), current }
}
