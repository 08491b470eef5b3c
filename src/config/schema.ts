import * as z from 'zod'
import { authKindNames } from './auth-kinds.ts'
import { containerKeys } from './container-keys.ts'
import {
  boolean,
  duration,
  integer,
  keys,
  list,
  mapOf,
  matching,
  oneOf,
  secret,
  secretFile,
  secretMatching,
  secretName,
  serviceAccount,
  share,
  text,
  value,
  words,
} from './fields.ts'
import { serviceProxy } from './proxy-keys.ts'

/** The one place that knows a key's type, default and description. */

const name = matching(/^(?=.{1,50}$)[a-z0-9]+([_-][a-z0-9]+)*$/, 'a name of 50 small letters, digits, - and _ at most')
const variable = matching(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a variable name')
const port = integer(1, 65_535)

const environment = keys({
  clear: mapOf(variable, value()).default({}).describe('Variables that anyone may see'),
  secrets: list(secretMatching(/^[A-Za-z_][A-Za-z0-9_]*(:[A-Z][A-Z0-9_]*)?$/, 'NAME or NAME:SECRET_NAME'))
    .default([])
    .describe('Names of secrets to pass on; NAME:SECRET_NAME passes SECRET_NAME under another name'),
})

const credential = {
  auth: oneOf(authKindNames)
    .default('password')
    .describe(
      'Kind of credential: a password, a service account key, or a token that a command of this machine prints',
    ),
  username: text().optional().describe('User name; never changed in case. Only for auth: password and github'),
  password: secret().optional().describe('Name of the secret that holds the password or token, or $(command)'),
  key: serviceAccount('value')
    .optional()
    .describe('Name of the secret that holds a service account key: its whole JSON, raw or in base64'),
  key_file: serviceAccount('file').optional().describe('Path of a service account key'),
  description: text().optional().describe('Note for people, such as what it is for and whom to ask'),
}

const builderRegistry = keys({
  type: oneOf(['remote', 'local'])
    .optional()
    .describe('remote or local; without it: remote if `server` is set, else local'),
  server: text().optional().describe('host[:port][/namespace] of a remote registry'),
  ...credential,
  namespace: text().optional().describe('Namespace in image names, instead of the user name'),
  port: port.prefault('9270').describe('Port of the local registry on this machine'),
  image: text().default('registry:2').describe('Image that the local registry runs'),
})

const cacheTypes = ['inline', 'registry', 'gha'] as const

const cacheKeys = {
  type: oneOf(cacheTypes).describe(
    'inline: in what is pushed (Docker); registry: beside it; gha: in the cache of GitHub Actions (Docker with buildx)',
  ),
  ref: matching(
    /^[a-zA-Z0-9]+([._-][a-zA-Z0-9]+)*(:\d+)?(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)+$/,
    'a repository such as ghcr.io/you/cache, without a tag',
  )
    .optional()
    .describe("For type: registry, the repository that holds the cache; without it, that of the service's image"),
}

const builder = keys({
  engine: oneOf(['docker', 'podman'])
    .default('docker')
    .describe('Container engine for builds, and for servers that set no other'),
  local: boolean().optional().describe('Whether images are built on this machine; true unless `remote` is set'),
  remote: z
    .union(
      [
        text(),
        keys({
          amd64: text().optional().describe('The machine that builds for amd64'),
          arm64: text().optional().describe('The machine that builds for arm64'),
        }),
      ],
      {
        error: 'expected ssh://[user@]host[:port], or a map of such by architecture',
      },
    )
    .optional()
    .describe(
      'Machine to build on instead: ssh://[user@]host[:port], reached like a server; or one per architecture: {arm64: ssh://…}',
    ),
  cache: z
    .union([boolean(), oneOf(cacheTypes), keys(cacheKeys)], {
      error: `expected true, false, ${cacheTypes.join(', ')}, or a map with \`type\``,
    })
    .prefault('true')
    .describe(
      'Whether builds may use cached layers, and where to share them with other builders: inline, registry or gha',
    ),
  registry: builderRegistry.prefault({}).describe('Where built images go'),
})

const pullRegistry = keys({
  server: text().describe('host[:port][/namespace]'),
  ...credential,
})

const ssh = keys({
  user: text().optional().describe('Login name on servers'),
  port: port.optional().describe('Port of sshd on servers'),
  keys: list(secretFile()).default([]).describe('Private keys: paths, or names of secrets that hold a key'),
  config: z
    .union([boolean(), text()], { error: 'expected true, false or the path of a file' })
    .prefault('true')
    .describe('Whether to read ~/.ssh/config, or the path of a file to read instead'),
  proxy: text().optional().describe('Jump host: [user@]host[:port]; several in order, separated by commas'),
  strict: boolean().prefault('false').describe('Refuse servers whose host key is not yet known'),
})

const server = keys({
  host: text().describe('Address or SSH alias; `local` is this machine, without SSH'),
  user: text().optional().describe('Login name on this server'),
  port: port.optional().describe('Port of sshd on this server'),
  keys: list(secretFile()).optional().describe('Private keys for this server'),
  arch: oneOf(['amd64', 'arm64']).optional().describe("The server's architecture; by default the builder's"),
  engine: oneOf(['docker', 'podman']).optional().describe('Container engine on this server'),
  seed: z
    .union([z.literal('false').transform((): false => false), name], {
      error: 'expected the name of a server, or false',
    })
    .optional()
    .describe(
      'With a local registry: the server that passes images on to this one; false: always from this machine; by default decided in each deploy',
    ),
})

const build = keys({
  context: text().default('.').describe('Folder sent to the builder'),
  dockerfile: text().optional().describe('Path of the Dockerfile, in the context'),
  args: mapOf(variable, value()).default({}).describe('Build arguments; anyone can read them in the image'),
  target: text().optional().describe('Stage to build'),
  secrets: list(secretName())
    .default([])
    .describe('Secrets that the build may mount (RUN --mount=type=secret,id=NAME)'),
  ssh: list(matching(/^(default|[A-Za-z0-9][A-Za-z0-9_.-]*=.+)$/, 'default or ID=PATH'))
    .default([])
    .describe('The SSH agent (default) or keys (ID=PATH) that the build may use (RUN --mount=type=ssh,id=ID)'),
})

const serviceHooks = keys({
  pre_deploy: words()
    .optional()
    .describe(
      'Runs once on the first server before anything is switched, such as a migration; if it fails, the deploy stops',
    ),
})

const service = keys({
  image: text().optional().describe('An image to run as it is; either this or `build`'),
  registry: text()
    .optional()
    .describe(
      'Name under `registries` of the credential that pulls the image; by default the one with the longest matching `server`',
    ),
  build: build.optional().describe('How to build the image'),
  hosts: list(text()).min(1, 'expected at least one server').describe('Names of the servers it runs on'),
  command: words().optional().describe("Replaces the image's command"),
  ports: list(
    matching(/^((\d{1,3}(\.\d{1,3}){3}:)?\d+:)?\d+(\/(tcp|udp))?$/, 'PORT, HOST_PORT:PORT or IP:HOST_PORT:PORT'),
  )
    .default([])
    .describe('Ports published on the server; without a host port the engine picks one'),
  volumes: list(
    matching(
      /^(\/[^:]*|[a-zA-Z0-9][a-zA-Z0-9_.-]*):\/[^:]*(:[a-zA-Z,]+)?$/,
      'NAME:/TARGET or /SOURCE:/TARGET, with :OPTIONS if need be',
    ),
  )
    .default([])
    .describe('Volumes; a named one becomes PROJECT-SERVICE-NAME'),
  environment: environment
    .prefault({})
    .describe("The service's own variables; they take precedence over the shared ones"),
  restart: oneOf(['no', 'always', 'unless-stopped', 'on-failure'])
    .default('unless-stopped')
    .describe('When the engine restarts it'),
  replicas: integer(1, 100).prefault('1').describe('Number of containers on each of its servers'),
  stop_first: boolean().prefault('false').describe('Stop the old container before the new one starts: a short gap'),
  ...containerKeys,
  hooks: serviceHooks.prefault({}).describe('Commands around a release, in a container of the new image'),
  proxy: serviceProxy.optional().describe('HTTP traffic for this service'),
})

const deploy = keys({
  parallel: share()
    .prefault('all')
    .describe('How many servers at once, after the first: a number, a percentage (50%), or all'),
  wait: duration().prefault('0s').describe('Time between one batch of servers and the next'),
  order: list(text()).default([]).describe('Services to replace before the others, in this order'),
  on_failure: oneOf(['rollback', 'keep'])
    .default('rollback')
    .describe('After a failure, roll back the servers that were already switched, or keep them'),
  drain_timeout: duration().prefault('30s').describe('Time running requests may take to finish'),
  stop_timeout: duration().prefault('10s').describe('Time between asking a container to stop and killing it'),
  settle: duration().prefault('3s').describe('Time that a service without a health check must stay up'),
  retain: integer(1, 100).prefault('5').describe('Releases kept on the servers, including the running one'),
})

const proxy = keys({
  image: text().default('caddy:2').describe('Image of the proxy'),
  http_port: port.prefault('80').describe('Port for HTTP on servers'),
  https_port: port.prefault('443').describe('Port for HTTPS on servers'),
})

export const schema = keys({
  project: name.describe('Name of the project'),
  builder: builder.prefault({}).describe('How images are built and where they go'),
  registries: mapOf(text(), pullRegistry).default({}).describe('Credentials for images that are only pulled'),
  ssh: ssh.prefault({}).describe('How servers are reached'),
  servers: mapOf(name, server).describe('The machines, by name'),
  environment: environment.prefault({}).describe('Variables of all services'),
  services: mapOf(name, service).describe('What runs, by name'),
  deploy: deploy.prefault({}).describe('How a release is rolled out'),
  proxy: proxy.prefault({}).describe('The proxy on each server'),
})

export type Settings = z.output<typeof schema>
