import type { AuthKind } from '../auth-kinds.ts'
import { type Config, credentialsOf } from '../config.ts'
import { secretNames } from '../settle.ts'

/** A GitHub workflow that deploys what is pushed to a branch. Every value in it that is not ours is quoted, or a name. */
export function workflow(config: Config, branch: string): string {
  const names = secretNames(config)
  const hosts = addresses(config)
  const isKeyInConfig = [config.ssh, ...config.servers].some(({ keys }) => keys?.some(({ isName }) => isName))
  const needsAgent = hosts.length > 0 && !isKeyInConfig
  const own = names.filter(name => name !== 'GITHUB_TOKEN')
  const kinds = new Set(credentialsOf(config).map(({ auth }) => auth))
  const { environment: stage = 'production' } = config
  const usesGhcr = credentialsOf(config).some(({ key }) => key.startsWith('ghcr.io'))
  const lines = [
    `# Deploys what is pushed to ${branchName(branch)}. Set under Settings > Secrets and variables > Actions:`,
    ...(needsAgent
      ? ['#   secret SSH_PRIVATE_KEY: a complete private key, without a passphrase, that can log in to the servers']
      : []),
    ...own.map(name => `#   secret ${name}`),
    ...(hosts.length > 0
      ? [
          "#   variable SSH_KNOWN_HOSTS: the output of this; compare it with the servers' own keys first:",
          ...hosts.map(host => `#     ssh-keyscan ${host}`),
        ]
      : []),
    '#   variable JIJI_SOURCE: the repository you got jiji from, and a commit in it that you have reviewed:',
    '#     https://github.com/OWNER/REPOSITORY#COMMIT',
    ...advice(kinds),
    'name: Deploy',
    '',
    'on:',
    '  push:',
    `    branches: [${JSON.stringify(branch)}]`,
    '  workflow_dispatch:',
    '',
    '# One deploy at a time, and none is cancelled half-way.',
    'concurrency:',
    `  group: deploy-${stage}`,
    '  cancel-in-progress: false',
    '',
    'permissions:',
    '  contents: read',
    ...(usesGhcr ? ['  packages: write'] : []),
    ...(kinds.has('aws-ecr') ? ['  id-token: write'] : []),
    '',
    'jobs:',
    '  deploy:',
    '    runs-on: ubuntu-latest',
    `    environment: ${JSON.stringify(stage)}`,
    '    timeout-minutes: 30',
    '    steps:',
    '      - uses: actions/checkout@v5',
    '        with:',
    '          persist-credentials: false',
    '      - uses: actions/setup-node@v5',
    '        with:',
    '          node-version: 22',
    ...install,
    ...(hosts.length > 0 ? knownHosts : []),
    ...(needsAgent ? agent : []),
    '      # With `exec`, cancelling the job interrupts jiji itself, and not only a shell around it.',
    `      - run: exec jiji deploy${config.environment === undefined ? '' : ` -e ${stage}`}`,
    ...environment(names, kinds),
    ...(needsAgent ? forgetting : []),
  ]
  return `${lines.join('\n')}\n`
}

/** By its name npm has a package of somebody else's (the original Jiji's), and this job has secrets. */
const install = [
  '      - name: Install jiji',
  '        env:',
  '          JIJI_SOURCE: ${{ vars.JIJI_SOURCE }}',
  '        run: |',
  '          test -n "$JIJI_SOURCE" || { echo "::error::the variable JIJI_SOURCE is not set"; exit 1; }',
  '          git init -q "$RUNNER_TEMP/jiji" && cd "$RUNNER_TEMP/jiji"',
  '          git fetch -q --depth 1 "${JIJI_SOURCE%#*}" "${JIJI_SOURCE##*#}"',
  '          git checkout -q FETCH_HEAD',
  '          npm install --no-save --no-audit --no-fund --ignore-scripts',
  '          npm install --global --no-audit --no-fund "./$(npm pack --silent)"',
]

/** Nobody may stand between: a server that is not known is refused here, where there is nobody to look at its key. */
const knownHosts = [
  "      - name: Add the servers' host keys",
  '        env:',
  '          SSH_KNOWN_HOSTS: ${{ vars.SSH_KNOWN_HOSTS }}',
  '        run: |',
  '          test -n "$SSH_KNOWN_HOSTS" || { echo "::error::the variable SSH_KNOWN_HOSTS is not set"; exit 1; }',
  `          printf '%s\\n' "$SSH_KNOWN_HOSTS" > "$RUNNER_TEMP/known_hosts"`,
  '          echo "JIJI_KNOWN_HOSTS=$RUNNER_TEMP/known_hosts" >> "$GITHUB_ENV"',
]

/** The key is in an agent's memory, and in no file. */
const agent = [
  '      - name: Load the SSH key',
  '        env:',
  '          SSH_PRIVATE_KEY: ${{ secrets.SSH_PRIVATE_KEY }}',
  '        run: |',
  '          test -n "$SSH_PRIVATE_KEY" || { echo "::error::the secret SSH_PRIVATE_KEY is not set"; exit 1; }',
  '          eval "$(ssh-agent -s)" > /dev/null',
  `          printf '%s\\n' "SSH_AUTH_SOCK=$SSH_AUTH_SOCK" "SSH_AGENT_PID=$SSH_AGENT_PID" >> "$GITHUB_ENV"`,
  `          printf '%s\\n' "$SSH_PRIVATE_KEY" | tr -d '\\r' | ssh-add -q -`,
]

/** Also where the job failed: a runner of one's own goes on. */
const forgetting = [
  '      - name: Remove the SSH key',
  '        if: always()',
  `        run: test -z "$SSH_AGENT_PID" || kill "$SSH_AGENT_PID"`,
]

function environment(names: readonly string[], kinds: ReadonlySet<AuthKind>): string[] {
  const lines = names.map(name => `          ${name}: \${{ secrets.${name} }}`)
  if (kinds.has('github')) lines.push('          GH_TOKEN: ${{ secrets.GITHUB_TOKEN }}')
  return lines.length > 0 ? ['        env:', ...lines] : []
}

function advice(kinds: ReadonlySet<AuthKind>): string[] {
  const actions: Partial<Record<AuthKind, string>> = {
    'aws-ecr': 'aws-actions/configure-aws-credentials',
    'gcp-access-token': 'google-github-actions/auth and google-github-actions/setup-gcloud',
    'azure-acr': 'azure/login',
  }
  return [...kinds].flatMap(kind => {
    const action = actions[kind]
    return action ? [`# Before the last step comes one with ${action}, so that jiji can make a token.`] : []
  })
}

/** What ssh-keyscan is given, of all machines on the way, as far as their addresses can stand in a comment. */
function addresses({ servers, ssh, builder }: Config): string[] {
  const jumps = (ssh.proxy ?? '').split(',').map(one => {
    const [, host = '', port] = /^(?:[^@]*@)?(.*?)(?::(\d+))?$/.exec(one.trim()) ?? []
    return { host, port: port === undefined ? undefined : Number(port) }
  })
  const reached = [...servers, ...(builder.remote ? [builder.remote] : [])]
  const all = [...jumps, ...reached.map(({ host, port }) => ({ host, port: port ?? ssh.port }))].filter(
    ({ host }) => host !== 'local',
  )
  const words = all.map(({ host, port }) => (port === undefined || port === 22 ? host : `-p ${port} ${host}`))
  return [...new Set(words)].filter(one => /^[\w.: -]+$/.test(one))
}

function branchName(branch: string): string {
  return /^[\w./-]+$/.test(branch) ? branch : 'a branch'
}
