import { canonicalRepository, isRegistryName } from '../../config/image-name.ts'
import { prefixesOf, registryKey } from '../../config/registry-key.ts'
import { sourceOf } from '../../config/secrets.ts'
import { explain } from '../../registry/credentials.ts'
import type { Context } from '../context.ts'
import { loadProjectIfThere } from '../project.ts'

export async function run(context: Context): Promise<void> {
  const { args, output, options, environment } = context
  const input = args[0] ?? ''
  const config = loadProjectIfThere(context)
  if (isRegistryName(input)) {
    const key = registryKey(input)
    return output.style.json ? output.json({ schemaVersion: 1, input, key }) : output.result(`registry  ${key}`)
  }
  const key = canonicalRepository(input)
  const { credential, because, declared } = config ? explain(config, input) : { because: 'no configuration was found' }
  const source =
    config && credential && sourceOf(config, credential.secret, options.flag('no-host-env') ? undefined : environment)
  const candidates = prefixesOf(key)
  if (output.style.json) {
    const winner = {
      credential: credential?.name ?? null,
      username: credential?.username ?? null,
      source: source ?? null,
    }
    return output.json({ schemaVersion: 1, input, key, candidates, ...winner })
  }
  const tried = candidates.map(one => `  ${one}${marksOf(declared?.get(one) ?? [], credential?.name)}`)
  const found = credential
    ? [`credential  ${credential.name}, user ${credential.username}: ${because}`, `secret      ${source}`]
    : [`credential  none: ${because}, so it is pulled anonymously`]
  output.result([`image       ${key}`, 'candidates', ...tried, ...found].join('\n'))
}

function marksOf(names: readonly string[], winner: string | undefined): string {
  return names.length === 0 ? '' : `  <- ${names.map(name => (name === winner ? `${name} (used)` : name)).join(', ')}`
}
