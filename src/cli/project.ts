import type { Config, Service } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { type Selected, select } from '../config/select.ts'
import { networkOwner, withSharers } from '../config/shared-network.ts'
import { JijiError } from '../errors.ts'
import type { Context } from './context.ts'

/** What commands begin with: the configuration, and what of it was chosen. */

export function loadProject({ options, output, directory }: Context): Config {
  const config = loadConfig({ directory, file: options.text('config'), environment: options.text('environment') })
  // Other warnings are for those who check a configuration, or are about to use it.
  for (const warning of config.warnings.filter(({ code }) => code === 'literal-secret')) output.warn(warning)
  return config
}

/** For commands that also work outside of a project; a file that is asked for by name must be there. */
export function loadProjectIfThere(context: Context): Config | undefined {
  try {
    return loadProject(context)
  } catch (error) {
    const isMissing = error instanceof JijiError && error.code === 'config.missing'
    if (isMissing && !context.options.text('config') && !context.options.text('environment')) return undefined
    throw error
  }
}

export function selectFrom(config: Config, { options }: Context): Selected {
  return select(config, { hosts: options.list('hosts'), services: options.list('services') })
}

/** The same for what gets new containers, with what shares the network of those. */
export function selectWithSharers(
  config: Config,
  { options, output }: Context,
  services: readonly string[] | undefined = options.list('services'),
): Selected {
  const selected = select(config, { hosts: options.list('hosts'), services })
  const all = withSharers(config, selected)
  const isAdded = ({ name }: Service) => !selected.services.some(one => one.name === name)
  for (const one of all.services.filter(isAdded))
    output.note(`${one.name} goes with ${networkOwner(one)}, whose network it shares`)
  return all
}
