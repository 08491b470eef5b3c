/** The host that answers for a registry: Docker Hub's name is not where it is. */
export function hostOfApi(host: string): string {
  return host === 'docker.io' ? 'registry-1.docker.io' : host
}

/** This machine itself, or the server that a connection is opened from: nobody listens between. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}

/** Whether a credential may be sent there. */
export function isPrivate({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
}
