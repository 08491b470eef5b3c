import { relative } from 'node:path'
import type { Config } from '../../config/config.ts'
import { readConfig } from '../../config/load.ts'
import { ownCertificates } from '../../config/own-certificates.ts'
import { byPosition, InvalidConfig, type Problem } from '../../config/problem.ts'
import type { Secrets } from '../../config/secrets.ts'
import type { Selected } from '../../config/select.ts'
import { JijiError } from '../../errors.ts'
import type { Context } from '../context.ts'
import { askWorld } from '../online.ts'
import { selectFrom } from '../project.ts'
import { gatherSecrets } from '../secrets.ts'
import { allWarnings } from '../warnings.ts'

export async function run(context: Context): Promise<void> {
  const { options, output, directory } = context
  const isOnline = options.flag('online')
  const looksFurther = isOnline || options.flag('secrets')
  if (!looksFurther) refuseSelection(context)
  const { config, problems } = readConfig({
    directory,
    file: options.text('config'),
    environment: options.text('environment'),
  })
  if (!config) {
    if (isOnline) output.note('servers and registries are asked when the files are right')
    throw new InvalidConfig(problems)
  }
  const selected = looksFurther ? selectFrom(config, context) : config
  const { secrets, missing } = looksFurther ? await lookUp(context, { ...config, ...selected }) : { missing: [] }
  const [own, world] = await Promise.all([
    allWarnings(context, config),
    isOnline ? askWorld(context, config, selected, secrets) : { problems: [], warnings: [], code: undefined },
  ])
  const warnings = [...own, ...world.warnings].sort(byPosition)
  const found = [...missing, ...world.problems].sort(byPosition)
  if (!output.style.json) for (const warning of warnings) output.warn(warning)
  if (found.length > 0) throw new InvalidConfig(found, warnings, missing.length > 0 ? 'config.invalid' : world.code)
  if (output.style.json) return output.json({ schemaVersion: 1, problems: [], warnings })
  const works = isOnline ? `, and what it names is there: ${asked(selected)}` : ''
  output.result(`${config.files.map(file => relative(directory, file)).join(' + ')} is valid${works}`)
}

/** Files are right as a whole, or not. */
function refuseSelection({ options }: Context): void {
  const given = ['hosts', 'services'].find(name => options.isGiven(name))
  if (given)
    throw new JijiError('usage', `--${given} is for what is looked up or asked: the files are checked as a whole`, {
      hint: 'add --online or --secrets, or leave it out',
    })
}

function asked({ servers, services }: Selected): string {
  const hosts = new Set(services.flatMap(({ proxy }) => proxy?.targets ?? []).flatMap(({ hosts }) => hosts))
  const count = (amount: number, one: string) => (amount === 1 ? `1 ${one}` : `${amount} ${one}s`)
  return [count(servers.length, 'server'), count(services.length, 'image'), count(hosts.size, 'host name')].join(', ')
}

async function lookUp(context: Context, config: Config): Promise<{ secrets?: Secrets; missing: readonly Problem[] }> {
  let secrets: Secrets | undefined
  try {
    secrets = await gatherSecrets(context, config, config)
    ownCertificates(config, secrets)
    return { secrets, missing: [] }
  } catch (error) {
    if (!(error instanceof InvalidConfig)) throw error
    return { ...(secrets ? { secrets } : {}), missing: error.problems }
  }
}
