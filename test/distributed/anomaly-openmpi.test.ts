import { testAnomalies } from "./anomaly-cases";

testAnomalies("openmpi");
