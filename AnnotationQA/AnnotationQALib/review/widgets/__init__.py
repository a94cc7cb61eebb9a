"""The panel of the module Consensus Review."""
