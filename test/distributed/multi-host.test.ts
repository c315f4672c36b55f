import { testHosts } from "./multi-host-cases";

testHosts("openmpi");
