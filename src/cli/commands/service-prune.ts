import { type Observation, observeAll } from '../../deploy/observe.ts'
import { type Excess, excessOf } from '../../deploy/plan/excess.ts'
import { pruneAll } from '../../deploy/remove.ts'
import { renderSize } from '../../deploy/size.ts'
import { renderTable } from '../../ui/table.ts'
import type { Context } from '../context.ts'
import { loadProject, selectFrom } from '../project.ts'
import { isAsked } from '../release.ts'
import { gatherKeys } from '../secrets.ts'
import { withServers } from '../servers.ts'
import { tend } from '../tend.ts'

type Freed = ReadonlyMap<string, number | undefined>

export async function run(context: Context): Promise<void> {
  const { options, output, signal } = context
  const config = loadProject(context)
  const selected = selectFrom(config, context)
  const secrets = await gatherKeys(context, config, selected.servers)
  const excessIn = (observations: readonly Observation[]) => excessOf(config, selected, observations)

  await withServers(context, config, secrets, selected.servers, async runners => {
    if (options.flag('dry-run') || isAsked(context)) {
      const excesses = excessIn(await observeAll(config, runners, signal))
      if (options.flag('dry-run') || excesses.every(isNone)) return show(context, excesses)
      await output.confirm(renderTable(head, rowsOf(excesses, new Map()), output.columns), 'no')
    }
    const { excesses, freed } = await tend(context, config, runners, async tending => {
      const excesses = excessIn(tending.observations)
      return { excesses, freed: await pruneAll(tending, excesses) }
    })
    show(context, excesses, freed)
  })
}

function show({ output, options }: Context, excesses: readonly Excess[], freed: Freed = new Map()): void {
  if (output.style.json)
    output.json({
      schemaVersion: 1,
      dryRun: options.flag('dry-run'),
      servers: excesses.map(({ server, containers, images, releases }) => ({
        server,
        releases,
        containers,
        images,
        freed: freed.get(server) ?? null,
      })),
    })
  else if (!(output.isOnTerminal && excesses.every(isNone))) output.table(head, rowsOf(excesses, freed))
  if (excesses.every(isNone)) output.note('there is nothing to take away')
}

const head = ['server', 'releases', 'containers', 'images', 'room']

function isNone({ releases, containers, images }: Excess): boolean {
  return releases.length + containers.length + images.length === 0
}

function rowsOf(excesses: readonly Excess[], freed: Freed): string[][] {
  return excesses.map(({ server, releases, containers, images }) => {
    const room = freed.get(server)
    const listed = [releases, containers, images].map(all => all.join(' ') || '-')
    return [server, ...listed, room === undefined ? '-' : renderSize(room)]
  })
}
