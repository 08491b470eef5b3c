import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { refuseWhatIsThere, writeBackup } from '../../deploy/backup.ts'
import { observeAll } from '../../deploy/observe.ts'
import { JijiError } from '../../errors.ts'
import type { Context } from '../context.ts'
import { loadProject } from '../project.ts'
import { gatherKeys } from '../secrets.ts'
import { selectServer } from '../select-one.ts'
import { withServers } from '../servers.ts'
import { confirmRemoval, tend } from '../tend.ts'

/** Puts a backup on a server, which the next deploy makes run what it says. */
export async function run(context: Context): Promise<void> {
  const { args, options, output, signal, directory } = context
  const config = loadProject(context)
  const server = selectServer(context, config)
  const backup = read(resolve(directory, args[0] ?? ''))
  const isForced = options.flag('force')
  const secrets = await gatherKeys(context, config, [server])

  await withServers(context, config, secrets, [server], async runners => {
    if (!isForced)
      for (const observation of await observeAll(config, runners, signal)) refuseWhatIsThere(observation, config.scope)
    else {
      const what = `what ${server.name} remembers of ${config.scope} would be replaced`
      await confirmRemoval(context, what, what)
    }
    const { count, current } = await tend(context, config, runners, async tending => {
      if (!isForced) for (const observation of tending.observations) refuseWhatIsThere(observation, config.scope)
      return writeBackup(tending, server, backup)
    })
    output.result(`restored ${count} releases of ${config.scope} on ${server.name}; the current one is ${current}`)
    output.note('no container was started: jiji deploy starts them, with images from the registry')
  })
}

function read(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new JijiError('usage', `${path} cannot be read: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    })
  }
}
