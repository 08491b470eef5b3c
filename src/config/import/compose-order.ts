/** That a service needs others to be there before it. */
export type Dependency = { service: string; needs: readonly string[] }

/** The services that others need, each after those that it needs itself. */
export function buildOrder(dependencies: readonly Dependency[]): string[] {
  const needsOf = new Map(dependencies.map(({ service, needs }) => [service, needs]))
  const order: string[] = []
  const visit = (name: string, above: readonly string[]) => {
    if (order.includes(name) || above.includes(name)) return
    for (const need of needsOf.get(name) ?? []) visit(need, [...above, name])
    order.push(name)
  }
  for (const { needs } of dependencies) for (const need of needs) visit(need, [])
  return order
}
