declare module '*?framed' {
  /** Where the page fetches the script from. */
  const address: string;
  export default address;
}
