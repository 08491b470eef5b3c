import { setTimeout as sleep } from 'node:timers/promises'
import type { Config, Engine } from '../config/config.ts'
import { JijiError } from '../errors.ts'
import type { Connection } from '../runner/runner.ts'
import { registryContainer } from '../shell/names.ts'
import { sh } from '../shell/script.ts'
import type { Report } from './event.ts'
import type { Flow } from './flow.ts'
import { limits } from './limits.ts'
import type { Transfer } from './transfer.ts'

export type CutContext = { config: { builder: Pick<Config['builder'], 'engine' | 'registry'> }; report: Report }

const mostCuts = 3

/**
 * Ends what stalls. The registry is at fault where it owes an answer; else the server, whose engine may take its time
 * as long as the connection is alive.
 */
export function cutter({ report, config }: CutContext, connection: Connection, { flows, progress }: Transfer) {
  const { server } = connection
  let cuts = 0
  let vain = 0
  let sentBefore = 0
  let isWaiting = false

  const say = (detail: string) => report({ step: 'tunnel', state: 'lost', server, detail })
  const stalled = (whom: 'registry' | 'server', looks: number) =>
    [...flows].filter(flow => flow.waitsFor() === whom && flow.idle >= looks)
  const cut = (stalled: readonly Flow[], why: string) => {
    if (stalled.length === 0) return
    const { sent } = progress()
    vain = sent > sentBefore ? 1 : vain + 1
    sentBefore = sent
    if (vain > mostCuts) throw stalledTooOften(server, config.builder.engine, why)
    cuts += 1
    say(`${why}: it is asked for again`)
    for (const flow of stalled) flow.end()
  }
  return {
    count: () => cuts,
    /** @throws JijiError registry.unreachable when that has been in vain, server.lost */
    async look() {
      cut(stalled('registry', limits.stall), `the local registry has sent nothing for ${seconds(limits.stall)}`)
      const untaken = stalled('server', limits.stall)
      const wasWaiting = isWaiting
      isWaiting = untaken.length > 0
      if (!isWaiting) return
      if (!(await isAlive(connection))) {
        await connection.close()
        throw frozen(server)
      }
      if (!wasWaiting)
        say(`it has taken nothing for ${seconds(limits.stall)}, but its connection is alive: it is waited for`)
      cut(stalled('server', limits.stuck), `it has taken nothing for ${seconds(limits.stuck)}`)
    },
  }
}

function seconds(looks: number): string {
  return `${(looks * limits.look) / 1000} s`
}

/** Whether a command can be run over it in a moment. */
function isAlive(connection: Connection): Promise<boolean> {
  const answer = connection.run(sh`:`).then(
    () => true,
    () => false,
  )
  return Promise.race([answer, sleep(limits.signOfLife, false, { ref: false })])
}

function frozen(server: string): JijiError {
  return new JijiError(
    'server.lost',
    `the connection to ${server} was lost while images went through it: nothing was taken for ${seconds(limits.stall)}, and no command was answered`,
    { server, hint: 'nothing was switched there; see its network and its sshd, then deploy again' },
  )
}

function stalledTooOften(server: string, engine: Engine, why: string): JijiError {
  return new JijiError('registry.unreachable', `${server}: ${why}, for the ${mostCuts + 1}th time in a row`, {
    server,
    hint: `nothing was switched there; see whether the registry is well (${engine} ps, ${engine} logs ${registryContainer}) and the server's engine, then deploy again`,
  })
}
