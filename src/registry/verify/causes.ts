import type { Engine } from '../../config/config.ts'
import type { Login } from '../../shell/images.ts'
import { registryKind } from './kinds.ts'

/** Why a check did not end well: a stable word, for scripts. */
export type Cause = keyof typeof explanations

/** What is known when something has failed; what a cause does not need may be missing. */
export type Facts = {
  /** As in image names. */
  host: string
  repository?: string
  reference?: string
  login?: Login | undefined
  engine?: Engine
  /** What the thing that refused said itself. */
  words?: string
  /** Milliseconds by which a clock is wrong: ahead, when positive. */
  skew?: number
}

export type Explanation = { message: string; hint: string }

/** What happened, and what to do about it: never with a password, nor with the place, so that places can share it. */
export function explain(cause: Cause, facts: Facts): Explanation {
  return explanations[cause](facts)
}

type Explain = (facts: Facts) => Explanation

const explanations = {
  dns: ({ host }) => ({
    message: `the name ${host} does not resolve`,
    hint: 'see how it is written, and the DNS of the places that do not know it',
  }),
  'nothing-listens': ({ host }) => ({
    message: `nothing listens at ${host}`,
    hint: 'is the port right, and does the registry run?',
  }),
  'no-answer': ({ host }) => ({
    message: `${host} gives no answer`,
    hint: 'a firewall on the way may drop what is sent: may those places connect there?',
  }),
  'no-route': ({ host }) => ({
    message: `there is no way to ${host}`,
    hint: 'see the network and the firewall of the places that found none',
  }),
  'unknown-authority': ({ host, engine = 'docker', words }) => ({
    message: `the certificate of ${host} is from an authority that is not known${because(words)}`,
    hint: `put the authority's certificate into /etc/${engine === 'podman' ? 'containers' : 'docker'}/certs.d/${host}/ca.crt there`,
  }),
  'wrong-name': ({ host, words }) => ({
    message: `the certificate of ${host} is for another name${because(words)}`,
    hint: 'use the name that the certificate has, or have one made for this name',
  }),
  'certificate-expired': ({ host, words }) => ({
    message: `the certificate of ${host} has expired${because(words)}`,
    hint: 'whoever runs the registry must renew it',
  }),
  'certificate-not-yet-valid': ({ host, words }) => ({
    message: `the certificate of ${host} is not valid yet${because(words)}`,
    hint: 'whoever runs the registry must have it made again, or wait',
  }),
  'clock-skew': ({ host, words, skew = 0 }) => ({
    message: `the certificate of ${host} is not valid by a clock that is ${inMinutes(skew)}${because(words)}`,
    hint: 'set that clock: sudo timedatectl set-ntp true',
  }),
  'plain-http': ({ host }) => ({
    message: `${host} speaks plain HTTP where TLS was expected`,
    hint: 'a credential is only sent through TLS: is there another port that has it? Else put a proxy with a certificate in front',
  }),
  'no-tls': ({ host, words }) => ({
    message: `TLS with ${host} failed${because(words)}`,
    hint: 'is that the port of a registry?',
  }),
  'not-a-registry': ({ host, words }) => ({
    message: `${host} is not a registry${because(words)}`,
    hint: 'write the host as in image names, which need not be that of the web pages: https://HOST/v2/ must answer',
  }),
  'registry-error': ({ host, words }) => ({
    message: `${host} is not well${because(words)}`,
    hint: 'try again later, or ask whoever runs the registry',
  }),
  'rate-limited': ({ host, words }) => ({
    message: `${host} wants fewer requests${because(words)}`,
    hint: registryKind(host).onLimit ?? 'wait, then try again',
  }),
  'odd-answer': ({ host, words }) => ({
    message: `${host} does not answer as the protocol has it${because(words)}`,
    hint: 'nothing is proved by that: the engine may still get through',
  }),
  'insecure-token-server': ({ host }) => ({
    message: `${host} sends logins to a token server without TLS, where anybody could listen`,
    hint: 'no password was sent; whoever runs the registry must give its token server a certificate',
  }),
  'wrong-password': ({ host, login, words = '' }) => ({
    message: `${host} refused the login of ${login?.username}: ${words}`,
    hint: [
      `check the user name, and that ${login?.password.name} holds a password or token that is still valid`,
      ...(login && hasSpaceAround(login.password.reveal())
        ? [`${login.password.name} begins or ends with a space, which is sent as well: is it meant?`]
        : []),
      ...(registryKind(host).login ?? []),
    ].join('\n'),
  }),
  'no-credential': ({ host, repository, words }) => ({
    message: `${host} does not let anybody pull ${repository} without a login${because(words)}`,
    hint: `none of the credentials that are declared covers ${host}/${repository}: add one under registries, or is the name wrong?`,
  }),
  'no-pull': ({ host, repository, login, words }) => ({
    message: `${login?.username} may not pull ${host}/${repository}${because(words)}`,
    hint: (registryKind(host).pull ?? [`let ${login?.username} read that repository, or is its name wrong?`]).join(
      '\n',
    ),
  }),
  'no-push': ({ host, repository, login, words }) => ({
    message: `${login?.username ?? 'nobody'} may not push to ${host}/${repository}${because(words)}`,
    hint: (
      registryKind(host).push ?? [
        `let ${login?.username ?? 'somebody'} write to that repository, or is its name wrong?`,
      ]
    ).join('\n'),
  }),
  'no-tag': ({ host, repository, reference, words }) => ({
    message: `${host}/${repository} has no ${reference}${because(words)}`,
    hint: 'is the tag written as it was pushed?',
  }),
  'no-repository': ({ host, repository = '', words }) => ({
    message: `${host} has no repository ${repository}${because(words)}`,
    hint:
      registryKind(host).create?.(repository) ??
      'is its name right? Some registries want it created before the first push',
  }),
  'connections-forbidden': ({ words }) => ({
    message: `its sshd lets nobody connect from there${because(words)}`,
    hint: 'sshd_config must have AllowTcpForwarding yes (or local) for this user, or the check cannot be made',
  }),
  proxy: ({ host, words }) => ({
    message: `the engine goes to ${host} through a proxy, which this check does not${because(words)}`,
    hint: 'whether a pull works there, only a pull shows',
  }),
  mirror: ({ host, words }) => ({
    message: `the engine takes a mirror for ${host}, which this check does not${because(words)}`,
    hint: 'whether a pull works there, only a pull shows',
  }),
  'insecure-registry': ({ host, words }) => ({
    message: `the engine is told to trust ${host} as it is, which this check does not${because(words)}`,
    hint: 'a credential is only sent through TLS that can be checked; whether a pull works there, only a pull shows',
  }),
  server: ({ words = '' }) => ({ message: words, hint: 'the registry could not be asked from there' }),
} satisfies Record<string, Explain>

function hasSpaceAround(text: string): boolean {
  return text.trim() !== text
}

function because(words: string | undefined): string {
  return words ? `: ${words}` : ''
}

export function inMinutes(skew: number): string {
  const minutes = Math.max(1, Math.round(Math.abs(skew) / 60_000))
  const amount =
    minutes < 120
      ? `${minutes} min`
      : minutes < 2880
        ? `${Math.round(minutes / 60)} h`
        : `${Math.round(minutes / 1440)} days`
  return `${amount} ${skew > 0 ? 'ahead' : 'behind'}`
}
