// Which names or values a proxy's words mention, found without going through all of the words for each of them: both may
// be written by a client that wants the search to be long.

/** Words of a value of which the one that the text has least often is looked for. */
const wordLimit = 8;
/** Places of one value that are compared. */
const placeLimit = 64;
/** Characters that are compared for all values together, some 20 ms: what is over it is taken as not mentioned. */
const comparedLimit = 4_000_000;
/** Values without any word are searched for up to this length, characters. */
const wordlessLength = 64;

/**
 * Finds values that stand in a text by themselves, not as a piece of a longer word. It never finds what is not there; of a
 * text made for it, it may miss some. The caller bounds the text.
 */
export class MentionIndex {
  private readonly text: string;
  private readonly word: RegExp;
  /** Where each word of the text begins. */
  private readonly places = new Map<string, number[]>();
  private left = comparedLimit;

  /** @param wordCharacters one word, as a pattern: `[a-z]+` */
  constructor(text: string, wordCharacters: RegExp) {
    this.text = text;
    this.word = new RegExp(wordCharacters.source, "g");
    for (const { 0: word, index } of text.matchAll(this.word)) {
      const known = this.places.get(word);
      if (known === undefined) this.places.set(word, [index]);
      else if (known.length < placeLimit) known.push(index);
    }
  }

  has(value: string): boolean {
    if (value === "" || value.length > this.text.length) return false;
    const { word, places } = this;
    let fewest: { readonly at: readonly number[]; readonly offset: number } | undefined;
    word.lastIndex = 0;
    for (let count = 0; count < wordLimit; count++) {
      const match = word.exec(value);
      if (match === null) break;
      const at = places.get(match[0]);
      if (at === undefined) return false;
      if (match[0].length === value.length) return true;
      if (fewest === undefined || at.length < fewest.at.length) fewest = { at, offset: match.index };
    }
    if (fewest === undefined) return this.hasWordless(value);
    const { at, offset } = fewest;
    return at.some((place) => this.isAt(value, place - offset));
  }

  private isAt(value: string, start: number): boolean {
    const { text } = this;
    if (start < 0 || this.left < value.length) return false;
    this.left -= value.length;
    if (!text.startsWith(value, start)) return false;
    const end = start + value.length;
    if (this.isWord(value[0]) && this.isWord(text[start - 1])) return false;
    return !(this.isWord(value.at(-1)) && this.isWord(text[end]));
  }

  /** Quotes and brackets only, or letters that are no characters of words: no word can be cut by them. */
  private hasWordless(value: string): boolean {
    const cost = this.text.length * value.length;
    if (value.length > wordlessLength || this.left < cost) return false;
    this.left -= cost;
    return this.text.includes(value);
  }

  private isWord(character: string | undefined): boolean {
    if (character === undefined) return false;
    this.word.lastIndex = 0;
    return this.word.test(character);
  }
}
