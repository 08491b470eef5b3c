import type { AuthKind } from '../../../src/config/auth-kinds.ts'
import { Secret } from '../../../src/config/secret.ts'
import type { Held } from '../../../src/registry/export/credential.ts'
import { type Choices, type FormatName, formats, holdable } from '../../../src/registry/export/formats.ts'

export function credential(key: string, password = 'pw', given: Partial<Omit<Held, 'password'>> = {}): Held {
  const auth: AuthKind = 'password'
  const name = `r-${key}`
  return { name, key, auth, username: 'me', variable: 'TOKEN', password: new Secret('TOKEN', password), ...given }
}

const usual: Choices = {
  name: 'app-registries',
  namespace: undefined,
  'service-account': undefined,
  'auth-file': '/etc/docker-auth.json',
  basic: false,
  source: undefined,
}

/** The files of an export, as the command makes them. */
export function exported(format: FormatName, credentials: readonly Held[], choices: Partial<Choices> = {}) {
  const { scope, render } = formats[format]
  const origin = { format, project: 'app', files: ['.jiji/deploy.yml'] }
  return render(holdable(scope, credentials).kept, origin, { ...usual, ...choices }).map(({ name, contents }) => ({
    name,
    contents,
    text: String(contents),
  }))
}

export function textOf(format: FormatName, credentials: readonly Held[], choices: Partial<Choices> = {}): string {
  return exported(format, credentials, choices)
    .map(({ text }) => text)
    .join('')
}

/** Values that some format or other would read differently if they stood in it as they are. */
export const hostile = [
  'plain',
  `it's "quoted"`,
  'one\ntwo\r\nthree\n',
  '  around  ',
  '${x} %{y} $${z} ${{ secrets.TOKEN }} $HOME $(id)',
  '$oauthtoken',
  'robot$x',
  'ns+robot',
  'a:b:c',
  'back\\slash\\n\\u0041',
  'pässwörd 😀 \u2028\u2029\u0085\ufeff',
  '\t\u0001\u001b[31m\u007f',
  '# no comment',
  '---\n...\n',
  '{{ .Values }} <no value> &amp;',
  '~',
  'null',
  'yes',
  '0o17',
  '1e3',
  '{"type": "service_account",\n "private_key": "-----BEGIN PRIVATE KEY-----\\nabc+/=\\n"\n}\n',
]
