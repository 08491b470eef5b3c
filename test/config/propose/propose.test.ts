import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { draftText } from '../../../src/config/draft-text.ts'
import { editorSchema } from '../../../src/config/json-schema.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { readDockerfile } from '../../../src/config/propose/dockerfile.ts'
import { projectName, proposeDraft } from '../../../src/config/propose/draft.ts'
import { envExample, missingIn } from '../../../src/config/propose/env-example.ts'
import type { Answers, Facts } from '../../../src/config/propose/facts.ts'
import { proposeFiles } from '../../../src/config/propose/files.ts'
import { withIgnores } from '../../../src/config/propose/ignore.ts'
import { readProcfile } from '../../../src/config/propose/procfile.ts'
import { proposeRegistry } from '../../../src/config/propose/registry.ts'
import { proposeServers } from '../../../src/config/propose/servers.ts'
import { workflow } from '../../../src/config/propose/workflow.ts'
import { settle } from '../../../src/config/settle.ts'
import { folderWith } from '../folder.ts'

const facts: Facts = {
  folder: 'shop',
  dockerfile: { port: undefined, setsPort: false },
  processes: [],
  packageName: undefined,
  github: undefined,
  branch: undefined,
  isRails: false,
}
const nothing: Answers = { name: undefined, servers: [], domain: undefined, port: undefined, registry: undefined }

describe('a Dockerfile', () => {
  test.each<[string, string | undefined]>([
    ['FROM a\nEXPOSE 8080', '8080'],
    ['EXPOSE 80/tcp 443', '80'],
    ['expose 80', '80'],
    ['FROM a AS b\nEXPOSE 1\nFROM c\nEXPOSE 2', '2'],
    ['ENV PORT=8080', '8080'],
    ['ENV PORT 8080', '8080'],
    ['ENV A="b c" PORT="8080"', '8080'],
    ['ARG P=81\nENV PORT=$P\nEXPOSE ${PORT}', '81'],
    ['EXPOSE ${PORT:-82}', '82'],
    ['ENV \\\n  A=1 \\\n  # why\n  PORT=83', '83'],
    ['ENV PORT=1\nEXPOSE 2', '2'],
    ['# EXPOSE 80', undefined],
    ['EXPOSE $X', undefined],
    ['EXPOSE 53/udp', undefined],
    ['EXPOSE 99999', undefined],
    ['RUN echo EXPOSE 80', undefined],
    ['', undefined],
  ])('%j', (text, port) => expect(readDockerfile(text).port).toBe(port))
})

test('a Procfile', () => {
  const text = '# a\nweb: node a --port $PORT\r\nworker:node b  \n\nnot a line\nrelease:  \nx-y_1: a: b'
  expect(readProcfile(text).map(({ name, command }) => `${name}=${command}`)).toEqual([
    'web=node a --port $PORT',
    'worker=node b',
    'x-y_1=a: b',
  ])
})

describe('a server', () => {
  test.each<[string, object | undefined]>([
    ['web1', { host: 'web1' }],
    ['deploy@web1.acme.org:2222', { host: 'web1.acme.org', user: 'deploy', port: '2222' }],
    ['10.0.0.1', { host: '10.0.0.1' }],
    ['[2001:db8::1]:22', { host: '2001:db8::1', port: '22' }],
    ['2001:db8::1', { host: '2001:db8::1' }],
    ['a b', undefined],
    ['', undefined],
    ['a@b@c', undefined],
    ['ssh://a', undefined],
    ['a\nb', undefined],
  ])('%j', (written, expected) => {
    if (expected) expect(proposeServers([written])).toEqual({ web1: expected })
    else expect(() => proposeServers([written])).toThrow('is no address of a server')
  })
})

test.each<[string | undefined, string | undefined, object]>([
  [undefined, 'acme', { type: 'local' }],
  ['none', 'acme', { type: 'local' }],
  ['ghcr.io', 'Acme', { server: 'ghcr.io', username: 'Acme', password: 'GITHUB_TOKEN' }],
  ['ghcr.io', undefined, { server: 'ghcr.io', username: 'your-name', password: 'GITHUB_TOKEN' }],
  ['https://ghcr.io/Acme/', undefined, { server: 'ghcr.io/acme', username: 'acme', password: 'GITHUB_TOKEN' }],
  ['docker.io', 'acme', { server: 'docker.io', username: 'your-name', password: 'DOCKERHUB_TOKEN' }],
  [
    '123456789012.dkr.ecr.eu-west-1.amazonaws.com',
    undefined,
    { server: '123456789012.dkr.ecr.eu-west-1.amazonaws.com', auth: 'aws-ecr' },
  ],
  [
    'europe-docker.pkg.dev/p/r',
    undefined,
    { server: 'europe-docker.pkg.dev/p/r', auth: 'gcp-service-account', key: 'GCP_KEY' },
  ],
  ['acme.azurecr.io', undefined, { server: 'acme.azurecr.io', auth: 'azure-acr' }],
  ['r.acme.org:5000', undefined, { server: 'r.acme.org:5000', username: 'your-name', password: 'REGISTRY_PASSWORD' }],
])('the registry %s of %s', (written, owner, expected) => expect(proposeRegistry(written, owner)).toEqual(expected))

test.each<[Partial<Facts>, string | undefined, string]>([
  [{}, undefined, 'shop'],
  [{ packageName: '@acme/shop-app' }, undefined, 'shop-app'],
  [{ packageName: 'a', github: { owner: 'Acme', repository: 'Shop.Web' } }, undefined, 'shop-web'],
  [{ packageName: '🎉' }, undefined, 'shop'],
  [{ folder: '...' }, undefined, 'myapp'],
  [{}, 'My App', 'my-app'],
])('the project of %j and %j is %s', (more, name, expected) => {
  expect(projectName({ ...facts, ...more }, { name })).toBe(expected)
})

/** What is proposed, as it is loaded. */
function load(more: Partial<Facts>, answers: Partial<Answers> = {}) {
  const { draft, comments } = proposeDraft({ ...facts, ...more }, { ...nothing, ...answers })
  const text = draftText(draft, comments)
  return { text, draft, config: loadConfig({ directory: folderWith({ Dockerfile: '', '.jiji/deploy.yml': text }) }) }
}

describe('what is proposed', () => {
  test('is one service behind the proxy', () => {
    expect(load({}).draft).toEqual({
      project: 'shop',
      builder: { registry: { type: 'local' } },
      servers: { web1: { host: 'web1.example.com' } },
      services: {
        web: {
          build: { context: '.' },
          hosts: ['web1'],
          environment: { clear: { PORT: '3000' } },
          proxy: { app_port: '3000', hosts: ['app.example.com'], healthcheck: { path: '/' } },
        },
      },
    })
  })
  test('takes the port of the Dockerfile, unless it is told another', () => {
    const dockerfile = { port: '8080', setsPort: true }
    expect(load({ dockerfile }).draft.services).toMatchObject({ web: { proxy: { app_port: '8080' } } })
    expect(load({ dockerfile }).text).not.toContain('PORT:')
    const { draft } = load({ dockerfile }, { port: '81' })
    expect(draft.services).toMatchObject({ web: { environment: { clear: { PORT: '81' } }, proxy: { app_port: '81' } } })
  })
  test('makes a service of each process, and a hook of release', () => {
    const processes = readProcfile('web: bin/web -p $PORT\nworker: bin/worker "a b" && :\nrelease: bin/migrate')
    const { config } = load({ processes, isRails: true }, { servers: ['a', 'b'] })
    expect(config.services.map(({ name, command, servers }) => [name, command, servers])).toEqual([
      ['web', ['sh', '-c', 'bin/web -p $PORT'], ['web1', 'web2']],
      ['worker', ['sh', '-c', 'bin/worker "a b" && :'], ['web1', 'web2']],
    ])
    expect(config.services[0]?.hooks.pre_deploy).toEqual(['sh', '-c', 'bin/migrate'])
    expect(config.services[0]?.proxy?.targets[0]?.healthcheck.path).toBe('/up')
  })
  test('has no proxy where nothing is web', () => {
    const { config } = load({ processes: readProcfile('worker: a\nrelease: b') })
    expect(config.services.map(({ name, proxy }) => [name, proxy])).toEqual([['worker', undefined]])
    expect(config.services[0]?.hooks.pre_deploy).toEqual(['sh', '-c', 'b'])
  })
  test('has a certificate fetched for a domain that authorities know', () => {
    expect(load({}, { domain: 'shop.acme.org' }).text).toContain('ssl: true\n')
    expect(load({}, { domain: 'shop.localhost' }).draft.services).not.toMatchObject({ web: { proxy: { ssl: 'true' } } })
  })
  test('is short, and its first line names the schema', () => {
    const { draft, comments } = proposeDraft(
      {
        ...facts,
        processes: readProcfile('web: a $PORT\nworker: b\nrelease: c'),
        github: { owner: 'a', repository: 'b' },
      },
      { ...nothing, servers: ['a', 'b', 'c'], domain: 'shop.acme.org', registry: 'ghcr.io' },
    )
    const { config } = settle(draft, folderWith({ Dockerfile: '' }), () => expect.unreachable())
    const files = proposeFiles({ draft, comments, config, github: undefined })
    expect(files.map(({ path }) => path)).toEqual(['.jiji/deploy.yml', '.jiji/schema.json', '.env.example'])
    const [own, schema, env] = files.map(({ contents }) => contents)
    expect(own).toMatch(/^# yaml-language-server: \$schema=schema\.json\n.*jiji docs KEY/)
    expect(own?.split('\n').length).toBeLessThanOrEqual(31)
    expect(JSON.parse(schema ?? '')).toEqual(JSON.parse(JSON.stringify(editorSchema())))
    expect(env).toBe(envExample(['GITHUB_TOKEN']))
  })
  test('survives hostile names and commands', () => {
    const command = 'echo "$(id)" \'x\' # 🎉: [a'
    const { config } = load({ folder: '$(rm)\n🎉', processes: [{ name: 'web', command }] }, { servers: ['$(id)@a'] })
    expect(config.project).toBe('rm')
    expect(config.services[0]?.command).toEqual(['sh', '-c', command])
    expect(config.servers[0]).toMatchObject({ host: 'a', user: '$(id)' })
  })
})

test.each<[string, string]>([
  ['', '.env\n.env.*\n!.env.example\n'],
  ['node_modules', 'node_modules\n.env\n.env.*\n!.env.example\n'],
  ['.env\n', '.env\n.env.*\n!.env.example\n'],
  ['/.env\n.env.*\n', '/.env\n.env.*\n!.env.example\n'],
  ['.env*\n!.env.example\n', '.env*\n!.env.example\n'],
  ['.env*\r\n', '.env*\r\n!.env.example\r\n'],
  ['!.env.example\n', '!.env.example\n.env\n.env.*\n!.env.example\n'],
])('to .gitignore %j is added what it lacks', (before, after) => {
  expect(withIgnores(before)).toBe(after)
  expect(withIgnores(after)).toBe(after)
})

test.each<[string, string[]]>([
  ['A=\n#B=x\nexport C=1\n', ['D']],
  ['', ['A', 'B', 'C', 'D']],
])('what %j lacks', (text, missing) => expect(missingIn(text, ['A', 'B', 'C', 'D'])).toEqual(missing))

describe('the workflow', () => {
  const of = (yaml: string, branch = 'main') => {
    const directory = folderWith({ Dockerfile: '', '.jiji/deploy.yml': yaml })
    const text = workflow(loadConfig({ directory }), branch)
    const data = parse(text) as {
      on: { push: { branches: string[] } }
      permissions: object
      concurrency: object
      jobs: { deploy: { environment: string; steps: Step[] } }
    }
    return { text, data, steps: data.jobs.deploy.steps }
  }
  type Step = { run?: string; uses?: string; env?: Record<string, string> }
  const ghcr = `project: a
builder: {registry: {server: ghcr.io, username: me, password: GITHUB_TOKEN}}
ssh: {port: 222, proxy: jump@bastion.acme.org}
servers: {web1: {host: web1.acme.org}, here: {host: local}, odd: {host: "x\\ny"}}
services: {web: {build: {secrets: [NPM_TOKEN]}, hosts: [web1], environment: {secrets: ["A:DB_URL"]}}}
`
  test('has what a deploy needs, and no more', () => {
    const { data, steps, text } = of(ghcr)
    expect(data.permissions).toEqual({ contents: 'read', packages: 'write' })
    expect(data.concurrency).toEqual({ group: 'deploy-production', 'cancel-in-progress': false })
    expect(data.on.push.branches).toEqual(['main'])
    expect(steps.map(({ uses, run }) => uses ?? run?.split('\n')[0]?.slice(0, 40))).toEqual([
      'actions/checkout@v5',
      'actions/setup-node@v5',
      'test -n "$JIJI_SOURCE" || { echo "::erro',
      'test -n "$SSH_KNOWN_HOSTS" || { echo "::',
      'test -n "$SSH_PRIVATE_KEY" || { echo "::',
      'exec jiji deploy',
      'test -z "$SSH_AGENT_PID" || kill "$SSH_A',
    ])
    expect(steps.at(-2)?.env).toEqual({
      NPM_TOKEN: '${{ secrets.NPM_TOKEN }}',
      GITHUB_TOKEN: '${{ secrets.GITHUB_TOKEN }}',
      DB_URL: '${{ secrets.DB_URL }}',
    })
    expect([...text.matchAll(/ssh-keyscan (.*)/g)].map(([, host]) => host)).toEqual([
      'bastion.acme.org',
      '-p 222 web1.acme.org',
    ])
    expect(text).not.toContain('secret GITHUB_TOKEN')
    expect(steps[3]?.run).toContain('JIJI_KNOWN_HOSTS=$RUNNER_TEMP/known_hosts')
    expect(steps.at(-1)).toMatchObject({ if: 'always()' })
    expect(text).not.toMatch(/~|\$HOME/)
  })
  test('needs no permission to write packages, no key and no agent where there is no use for them', () => {
    const { data, steps } = of(
      'project: a\nservers: {here: {host: local}}\nservices: {web: {build: {}, hosts: [here]}}',
    )
    expect(data.permissions).toEqual({ contents: 'read' })
    const scripts = steps.flatMap(({ run }) => run ?? [])
    expect(scripts).toEqual([expect.stringContaining('JIJI_SOURCE'), 'exec jiji deploy'])
    const own = of(
      'project: a\nssh: {keys: [DEPLOY_KEY]}\nservers: {s: {host: x}}\nservices: {web: {build: {}, hosts: [s]}}',
    )
    expect(own.steps.at(-1)?.env).toEqual({ DEPLOY_KEY: '${{ secrets.DEPLOY_KEY }}' })
    expect(own.text).not.toContain('ssh-agent')
  })
  test('gives gh its token', () => {
    const { steps } = of(
      'project: a\nbuilder: {registry: {server: ghcr.io/a, auth: github}}\nservers: {s: {host: x}}\nservices: {web: {build: {}, hosts: [s]}}',
    )
    expect(steps.at(-2)?.env).toEqual({ GH_TOKEN: '${{ secrets.GITHUB_TOKEN }}' })
  })
  test('takes a branch of any name', () => {
    const { data, text } = of(ghcr, 'a"b\n#: 🎉')
    expect(data.on.push.branches).toEqual(['a"b\n#: 🎉'])
    expect(text).toMatch(/^# Deploys what is pushed to a branch\./)
  })
})
