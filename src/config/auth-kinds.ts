import { registryHost } from './registry-key.ts'

/** How a registry is logged in to: whose name it takes, where the secret comes from, how long that lives. */
const authKinds = {
  password: { about: 'a user name and a password or token' },
  'gcp-service-account': { about: "a Google service account's key file", username: '_json_key' },
  'aws-ecr': {
    about: 'a token of Amazon ECR, from the aws command',
    username: 'AWS',
    lifetime: 12 * hours(1),
    hosts: 'ACCOUNT.dkr.ecr.REGION.amazonaws.com or public.ecr.aws',
    mint: ecrCommand,
  },
  'gcp-access-token': {
    about: 'an access token of Google, from the gcloud command',
    username: 'oauth2accesstoken',
    lifetime: hours(1),
    hosts: 'LOCATION-docker.pkg.dev or gcr.io',
    mint: host => (/(^|\.)gcr\.io$|\.pkg\.dev$/.test(host) ? 'gcloud auth print-access-token' : undefined),
  },
  'azure-acr': {
    about: 'a token of an Azure Container Registry, from the az command',
    username: '00000000-0000-0000-0000-000000000000',
    lifetime: hours(3),
    hosts: 'NAME.azurecr.io',
    mint: acrCommand,
  },
  github: {
    about: 'the token of the gh command',
    username: 'x-access-token',
    hosts: 'ghcr.io',
    mint: host => (host === 'ghcr.io' ? 'gh auth token' : undefined),
  },
} as const satisfies Record<string, AuthKindOf>

export type AuthKind = keyof typeof authKinds

type AuthKindOf = {
  about: string
  /** The only name that it takes, or for `github` the one that it takes when none is given. */
  username?: string
  /** Milliseconds that a token lives once it has been made. */
  lifetime?: number
  /** What a token of this kind may be sent to, in words. */
  hosts?: string
  /** The command of this machine that prints a token for a host; undefined for a host that must not get one. */
  mint?: (host: string) => string | undefined
}

export const authKindNames = Object.keys(authKinds) as [AuthKind, ...AuthKind[]]

export function authKind(auth: AuthKind): AuthKindOf {
  return authKinds[auth]
}

/** Milliseconds that what a login stores is good for; undefined where it holds until somebody revokes it. */
export function lifetimeOf(auth: AuthKind): number | undefined {
  return authKind(auth).lifetime
}

export function mintCommand(auth: AuthKind, key: string): string | undefined {
  return authKind(auth).mint?.(registryHost(key))
}

/** What to do when a command that prints tokens fails, by its program. */
export function loginAdvice(command: string): string | undefined {
  const advice: Record<string, string> = {
    aws: 'log in with `aws sso login` or `aws configure`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    gcloud: 'log in with `gcloud auth login`, or in CI with `gcloud auth activate-service-account --key-file FILE`',
    az: 'log in with `az login`',
    gh: 'log in with `gh auth login`, or set GH_TOKEN',
  }
  const program = programOf(command)
  return Object.hasOwn(advice, program) ? advice[program] : undefined
}

/** The first word of a command, past the variables that are set for it alone. */
export function programOf(command: string): string {
  return /^\s*(?:[A-Za-z_]\w*=\S*\s+)*(\S+)/.exec(command)?.[1] ?? command
}

/** One token is good for every registry that the account may reach; only the region must be that of the server. */
function ecrCommand(host: string): string | undefined {
  if (host === 'public.ecr.aws') return 'aws ecr-public get-login-password --region us-east-1'
  const match =
    /^\d{12}\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.com\.cn))$/.exec(
      host,
    )
  return match ? `aws ecr get-login-password --region ${match[1]}` : undefined
}

function acrCommand(host: string): string | undefined {
  const name = /^([a-z0-9]+)(?:-[a-z0-9]+)?\.azurecr\.(?:io|cn|us)$/.exec(host)?.[1]
  return name && `az acr login --name ${name} --expose-token --output tsv --query accessToken`
}

function hours(count: number): number {
  return count * 3_600_000
}
