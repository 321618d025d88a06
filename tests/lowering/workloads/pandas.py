"""Frames read, joined, grouped, resampled and written, by the compiled parsers, hash tables and windows."""

import io

import numpy as np
import pandas as pd

text = "key,when,value\n" + "".join(f"k{n % 7},2020-01-{n % 28 + 1:02d} 0{n % 10}:00,{n / 4}\n" for n in range(2000))
frame = pd.read_csv(io.StringIO(text), parse_dates=["when"])
assert frame["value"].sum() == sum(range(2000)) / 4
assert frame["when"].dt.day.max() == 28
sums = frame.groupby("key")["value"].sum()
assert sums["k3"] == sum(n / 4 for n in range(2000) if n % 7 == 3)
joined = frame.merge(pd.DataFrame({"key": ["k1", "k2"], "name": ["one", "zwei ä"]}), on="key", how="left")
assert joined["name"].notna().sum() == sum(n % 7 in {1, 2} for n in range(2000))
daily = frame.set_index("when").sort_index()["value"].resample("D").mean()
assert len(daily) == 28
rolled = pd.Series(np.arange(100.0)).rolling(10).mean()
assert rolled.iloc[-1] == 94.5
assert pd.Series([3, 1, 2]).rank().tolist() == [3, 1, 2]
assert pd.read_json(io.StringIO(frame.head(50).to_json(orient="records")))["value"].equals(frame["value"].head(50))
assert pd.Timestamp("2021-03-28 01:30", tz="UTC") + pd.DateOffset(months=1) == pd.Timestamp(
    "2021-04-28 01:30", tz="UTC"
)
assert pd.cut(pd.Series([1, 5, 9]), [0, 4, 8, 12]).cat.codes.tolist() == [0, 1, 2]
try:
    pd.to_datetime("not a date")
except ValueError:
    print("works")
