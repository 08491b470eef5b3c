import { relative } from 'node:path'
import type { Config } from '../../config/config.ts'
import { readConfig } from '../../config/load.ts'
import { ownCertificates } from '../../config/own-certificates.ts'
import { InvalidConfig, type Problem } from '../../config/problem.ts'
import type { Context } from '../context.ts'
import { gatherSecrets } from '../gather.ts'

export async function run(context: Context): Promise<void> {
  const { options, output, directory } = context
  const { config, problems } = readConfig({
    directory,
    file: options.text('config'),
    environment: options.text('environment'),
  })
  const found = config && options.flag('secrets') ? await missingSecrets(context, config) : problems
  if (!config || found.length > 0) throw new InvalidConfig(found)
  if (output.style.json) return output.json({ schemaVersion: 1, problems: [], warnings: config.warnings })
  for (const warning of config.warnings) output.warn(warning)
  output.result(`${config.files.map(file => relative(directory, file)).join(' + ')} is valid`)
}

async function missingSecrets(context: Context, config: Config): Promise<readonly Problem[]> {
  try {
    ownCertificates(config, await gatherSecrets(context, config, config))
    return []
  } catch (error) {
    if (error instanceof InvalidConfig) return error.problems
    throw error
  }
}
