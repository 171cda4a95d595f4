// The module that world-plugin.ts makes at the build.

declare module 'virtual:world' {
  const paths: Readonly<Record<string, string>>
  export default paths
}
