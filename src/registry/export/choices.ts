import { JijiError } from '../../errors.ts'
import type { Choices, Format } from './formats.ts'

type Given = { text(name: string): string | undefined; flag(name: string): boolean }

const all = ['name', 'namespace', 'service-account', 'auth-file', 'basic', 'source'] as const

/**
 * What was chosen for a format, with what holds where nothing was.
 * @throws JijiError usage for a choice that means nothing to it, or that no Kubernetes takes
 */
export function chosen(format: string, { choices = [] }: Format, given: Given, project: string): Choices {
  for (const name of all) {
    const isGiven = name === 'basic' ? given.flag(name) : given.text(name) !== undefined
    if (isGiven && !choices.includes(name)) {
      throw new JijiError('usage', `--${name} means nothing to ${format}`, {
        hint: choices.length > 0 ? `it takes ${choices.map(one => `--${one}`).join(', ')}` : 'leave it out',
      })
    }
  }
  return {
    name: kubernetesName('name', given) ?? `${project.replaceAll('_', '-')}-registries`,
    namespace: kubernetesName('namespace', given),
    'service-account': kubernetesName('service-account', given),
    'auth-file': given.text('auth-file') ?? '/etc/docker-auth.json',
    basic: given.flag('basic'),
    source: given.text('source'),
  }
}

/** RFC 1123: a label for a namespace, labels with dots between them for the others. */
function kubernetesName(option: 'name' | 'namespace' | 'service-account', given: Given): string | undefined {
  const text = given.text(option)
  if (text === undefined) return undefined
  const label = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
  const pattern = option === 'namespace' ? `^${label}$` : `^${label}(\\.${label})*$`
  if (new RegExp(pattern).test(text) && text.length <= 253) return text
  throw new JijiError('usage', `${JSON.stringify(text)} cannot be a name in Kubernetes`, {
    hint: 'small letters, digits and - are allowed',
  })
}
