import fc from "fast-check";
import { type SampleCluster, type SampleOptions, sampleCluster } from "../../src/sample/cluster.ts";
import { smallerSamples } from "../../src/sample/smaller.ts";

/** Draws by seed, shrinks by what is in the cluster: Services, slices, endpoints and fields go while the failure stays. */
class ClusterArbitrary extends fc.Arbitrary<SampleCluster> {
  private readonly options: SampleOptions;

  constructor(options: SampleOptions) {
    super();
    this.options = options;
  }

  override generate(random: fc.Random): fc.Value<SampleCluster> {
    return new fc.Value(sampleCluster(random.nextInt(), this.options), undefined);
  }

  override canShrinkWithoutContext(_value: unknown): _value is SampleCluster {
    return false;
  }

  override shrink(value: SampleCluster): fc.Stream<fc.Value<SampleCluster>> {
    const smaller = function* (): IterableIterator<fc.Value<SampleCluster>> {
      for (const sample of smallerSamples(value)) yield new fc.Value(sample, undefined);
    };
    return fc.stream(smaller());
  }
}

/** Sampled clusters for laws. */
export function clusters(options: SampleOptions = {}): fc.Arbitrary<SampleCluster> {
  return new ClusterArbitrary(options);
}
