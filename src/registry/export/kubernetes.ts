import { yamlText } from '../../config/yaml-text.ts'
import { asComments, type ExportFile, type Held, headerLines, type Origin } from './credential.ts'
import { jsonText, kubeletAuths } from './docker.ts'

export type KubernetesNames = {
  name: string
  namespace: string | undefined
  /** A service account whose pods are to use the secret without naming it. */
  serviceAccount: string | undefined
}

/** A secret of the type that `kubectl create secret docker-registry` makes. */
export function kubernetesSecret(credentials: readonly Held[], origin: Origin, names: KubernetesNames): ExportFile {
  const data = { '.dockerconfigjson': base64(jsonText({ auths: kubeletAuths(credentials) })) }
  return manifest(credentials, origin, names, 'kubernetes.io/dockerconfigjson', data)
}

/** The type from before: the entries alone, without `auths` around them. */
export function kubernetesLegacySecret(
  credentials: readonly Held[],
  origin: Origin,
  names: KubernetesNames,
): ExportFile {
  const data = { '.dockercfg': base64(jsonText(kubeletAuths(credentials))) }
  return manifest(credentials, origin, names, 'kubernetes.io/dockercfg', data)
}

function manifest(
  credentials: readonly Held[],
  origin: Origin,
  { name, namespace, serviceAccount }: KubernetesNames,
  type: string,
  data: Record<string, string>,
): ExportFile {
  const metadata = (own: string) => ({ name: own, ...(namespace === undefined ? {} : { namespace }) })
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: metadata(name), type, data }
  const account = serviceAccount !== undefined && {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: metadata(serviceAccount),
    imagePullSecrets: [{ name }],
  }
  return {
    name: `${name}.yaml`,
    contents: asComments(headerLines(origin, credentials)) + yamlText(secret, ...(account ? [account] : [])),
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
