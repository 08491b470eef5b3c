/** `ghcr-io-company`: a name under `registries` for a canonical key. */
export function registryNameFor(key: string): string {
  return words(key).join('-') || 'registry'
}

/** `GHCR_IO_COMPANY_PASSWORD`: a name for the secret of a canonical key. */
export function secretNameFor(key: string): string {
  const name = `${words(key).join('_').toUpperCase()}_PASSWORD`
  return /^[A-Z]/.test(name) ? name : `REGISTRY_${name.replace(/^_/, '')}`
}

/** The name itself, or with the first number after it that makes it one that is not taken. */
export function unique(name: string, isTaken: (name: string) => boolean, separator: string): string {
  let candidate = name
  for (let count = 2; isTaken(candidate); count++) candidate = `${name}${separator}${count}`
  return candidate
}

function words(key: string): string[] {
  return key.split(/[^a-z0-9]+/).filter(word => word !== '')
}
